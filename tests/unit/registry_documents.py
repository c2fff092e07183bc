"""Small parameter documents for tests of the registry."""

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import Instrument, ParameterDocument, Provenance
from strategy.policies.parameters import ParameterSet, Quoting

INSTRUMENT = Instrument(venue="paper", symbol="BTC/FDUSD", tick_size="0.01", lot_size="0.00001")


def document_with(refresh_s: float, symbol: str = "BTC/FDUSD") -> ParameterDocument:
    """Return a document that differs from others in its refresh time."""
    parameters = ParameterSet(quoting=Quoting(executor_refresh_time=refresh_s))
    return ParameterDocument(
        version=0,
        instrument=INSTRUMENT.model_copy(update={"symbol": symbol}),
        parameters=parameters,
        kernel_digest=KERNEL_DIGEST,
        provenance=Provenance(seed=7, gates=({"name": "fills", "passed": True, "value": 9.0, "threshold": 5.0},)),
    )
