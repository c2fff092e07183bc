from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.errors import BadData
from strategy.venues.units import Grid, Units, common_step


def test_venue_strings_become_exact_ticks_and_lots():
    units = Units("0.01", "0.00001")
    assert units.ticks("61837.63000000") == 6_183_763
    assert units.lots("1.54698000") == 154_698
    assert units.lots("0.00000000") == 0
    assert units.ticks("61837") == 6_183_700


@pytest.mark.parametrize("text", ["61837.635", "61837.63500000"])
def test_a_price_off_the_grid_is_bad_data_naming_it(text):
    with pytest.raises(BadData, match=f"{text} is not a multiple of tick_size 0.01"):
        Units("0.01", "0.001").ticks(text)


@pytest.mark.parametrize("text", ["", "-1.00", "1e5", "nan", "1.0000000000001", "1,5", "٣.00", 12.5, None, ["1"], {}])
def test_what_is_no_plain_decimal_is_bad_data(text):
    with pytest.raises(BadData):
        Units("0.01", "0.001").ticks(text)


def test_a_value_that_no_column_can_hold_is_bad_data():
    assert Units("0.01", "1").lots("9223372036854775807") == 2**63 - 1
    with pytest.raises(BadData, match="9223372036854775808 is more than 9223372036854775807"):
        Units("0.01", "1").lots("9223372036854775808")


@pytest.mark.parametrize("step", ["0", "-0.01", "x", "inf"])
def test_a_step_must_be_a_number_over_zero(step):
    with pytest.raises(BadData, match="tick_size"):
        Units(step, "1")


@given(st.integers(0, 10**15), st.sampled_from(["0.01", "0.5", "0.00001", "1", "10", "0.0000000001", "0.00000002"]))
def test_a_count_survives_text_and_back(count, step):
    grid = Grid("tick_size", step)
    text = grid.text(count)
    assert grid.count(text) == count
    assert Decimal(text) == count * Decimal(step)


def test_common_step_is_the_power_of_ten_that_divides_all():
    assert common_step({"100.10000000", "99.99000000", "0.00"}, "tick_size") == "0.01"
    assert common_step({"1200", "500"}, "tick_size") == "100"
    with pytest.raises(BadData, match="cannot be inferred"):
        common_step({"0.00"}, "lot_size")
