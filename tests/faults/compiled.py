"""Import this in a fork server: whatever is forked from it finds the strategy compiled and need not load it."""

from strategy.live.session_start import warm_stepper
from strategy.venues.ports import Balance
from tests.integration.rig import close_quotes
from tests.unit.fake_broker import INSTRUMENT

warm_stepper(close_quotes(INSTRUMENT), Balance(0.0, 0.0))
