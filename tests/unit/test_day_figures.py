"""The plots of a day: which there are, and what a day of very many orders shows."""

import re
from datetime import date

import numpy as np
import pytest

from analytics.metrics.activity import Activity
from analytics.metrics.figures import measure
from analytics.metrics.markout import MidPath
from analytics.report import plots
from analytics.report.daily import Day, Market
from analytics.report.day_figures import MAX_QUOTES, day_figures
from analytics.report.sessions import Stretch
from strategy.replay.rows import CANCELLED, ORDER_ROW
from strategy.replay.tape import empty_tape
from tests.unit.activity_samples import INFO, SECOND, random_activity, random_path

SECONDS = 3_600


@pytest.fixture
def live() -> tuple[Activity, MidPath]:
    rng = np.random.default_rng(5)
    path = random_path(rng, SECONDS)
    return random_activity(rng, path, 40, SECONDS), path


def quoted(activity: Activity, count: int) -> Activity:
    """Return the activity with so many orders, one after the other, and its fills in the last tenth of the time."""
    orders = np.zeros(count, ORDER_ROW)
    step = SECONDS * SECOND // count
    orders["placed_ns"] = np.arange(count) * step
    orders["ended_ns"] = orders["placed_ns"] + step
    orders["price_ticks"], orders["side"], orders["outcome"] = 6_000_000, 1, CANCELLED
    fills = activity.fills.copy()
    fills["exch_ts"] = np.linspace(0.92 * SECONDS, 0.98 * SECONDS, len(fills)) * SECOND
    fields = {name: getattr(activity, name) for name in Activity.__slots__}
    return Activity(**fields | {"orders": orders, "fills": fills})


def day_of(parts: list[tuple[int, Activity]], path: MidPath) -> Day:
    stretches = tuple(Stretch("s1", version, activity) for version, activity in parts)
    overall = measure([activity for _, activity in parts], path, INFO)
    market = Market(empty_tape(), INFO, path)
    return Day("paper", "BTC/FDUSD", date(1970, 1, 1), market, stretches, (), overall, ())


def drawn(day: Day) -> dict[str, str]:
    return {title: plots.svg(figure) for title, figure in day_figures(day)}


def words(svg: str) -> list[str]:
    return [text.strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_a_day_of_few_orders_shows_all_its_quotes(live: tuple[Activity, MidPath]) -> None:
    found = drawn(day_of([(3, quoted(live[0], MAX_QUOTES))], live[1]))
    assert "Mid, quotes and fills, version 3" in found
    assert "00:00" in words(found["Mid, quotes and fills, version 3"])


def test_a_day_of_many_orders_shows_quotes_where_most_was_filled(live: tuple[Activity, MidPath]) -> None:
    found = drawn(day_of([(3, quoted(live[0], 6 * MAX_QUOTES))], live[1]))
    assert "00:00" in words(found["Mid and fills, version 3"])
    close = [text for text in words(found["Mid, quotes and fills at the busiest time, version 3"]) if ":" in text]
    assert close
    assert all(text.startswith(("00:5", "01:0")) for text in close)


def test_versions_that_took_over_are_marked(live: tuple[Activity, MidPath]) -> None:
    activity, path = live
    found = drawn(day_of([(1, activity), (2, activity)], path))
    assert "v2" in words(found["PnL above holding, and inventory against its target"])


def test_a_day_without_fills_shows_no_capture(live: tuple[Activity, MidPath]) -> None:
    fields = {name: getattr(live[0], name) for name in Activity.__slots__}
    idle = Activity(**fields | {"fills": live[0].fills[:0]})
    assert "Capture after a fill" not in drawn(day_of([(1, idle)], live[1]))
