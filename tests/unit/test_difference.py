"""The difference between foretold and realised, split by cause: sums, and what is not known."""

import math

from hypothesis import given
from hypothesis import strategies as st

from analytics.metrics.figures import Metrics
from analytics.report.difference import (
    CAUSES,
    DECISION,
    DIFFERENCE,
    FIGURES,
    FILL_MODEL,
    LATENCY,
    VENUE,
    Decided,
    Split,
)

SMALL = st.floats(-1e6, 1e6)
PROVEN = Decided(100, 0)


def figures(value: float) -> Metrics:
    return Metrics(dict.fromkeys(FIGURES, value), {})


def split(foretold: float, live: float, decided: Decided = PROVEN, **steps: float) -> Split:
    return Split(
        1, figures(foretold), {cause: figures(value) for cause, value in steps.items()}, figures(live), decided
    )


@given(foretold=SMALL, latency=SMALL, fill_model=SMALL, live=SMALL)
def test_the_shares_of_all_causes_add_up(foretold: float, latency: float, fill_model: float, live: float) -> None:
    found = split(foretold, live, latency=latency, fill_model=fill_model)
    total = sum(found.share(cause, "fills") for cause in CAUSES)
    assert math.isclose(total, found.total("fills"), rel_tol=1e-9, abs_tol=1e-6)


def test_each_cause_has_the_step_that_took_it_away() -> None:
    found = split(10.0, 25.0, latency=12.0, fill_model=17.0)
    assert [found.share(cause, "fills") for cause in CAUSES] == [0.0, 2.0, 5.0, 8.0]


def test_a_cause_of_which_nothing_is_known_leaves_its_share_to_the_rest() -> None:
    found = split(10.0, 25.0, fill_model=17.0)
    assert math.isnan(found.share(LATENCY, "fills"))
    assert [found.share(cause, "fills") for cause in (FILL_MODEL, VENUE)] == [7.0, 8.0]


def test_decisions_without_a_journal_or_with_a_difference_are_no_proof() -> None:
    for decided in (Decided(0, 0, ("no journal",)), Decided(100, 3)):
        assert math.isnan(split(1.0, 2.0, decided).share(DECISION, "fills"))


def test_rows_carry_the_whole_every_share_and_the_decisions() -> None:
    rows = {row[:3]: row[3] for row in split(10.0, 25.0, latency=12.0).rows()}
    assert rows[DIFFERENCE, "fills", "all"] == 15.0
    assert rows[LATENCY, "fills", "all"] == 2.0
    assert (rows[DECISION, "decisions", "all"], rows[DECISION, "differing_fields", "all"]) == (100.0, 0.0)
