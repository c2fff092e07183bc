from pathlib import Path
from typing import Any

import pytest

from strategy.kernel.records import REGIME_NAMES
from strategy.live.guard import Limits
from strategy.live.last_session import read_last_session
from strategy.live.parity import check
from strategy.policies.document import ParameterDocument
from tests.unit.test_live_session import Desk, document, entries

WARM_AFTER = 20  # differences


def learning(version: int, window_s: float = 30.0) -> ParameterDocument:
    """Return a version whose volatility is not that of version 1."""
    volatility = {"policy": "rolling_std", "vol_window_seconds": window_s, "min_samples": WARM_AFTER}
    return document(version, groups={"volatility": volatility}, executor_refresh_time=0.05)


def trade_on(desk: Desk, updates: int) -> None:
    for step in range(updates):
        bids = [[f"{60_001 + step % 5}.00", "1.0"], [f"{60_001 + (step + 4) % 5}.00", "0"]]
        desk.diff(bids)


@pytest.fixture
async def warm(tmp_path: Path) -> Desk:
    """A session that knows its volatility."""
    desk = Desk(tmp_path, Limits(orders_per_10s=10_000))
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    trade_on(desk, 15)
    assert desk.session.view()["sigma"] is not None
    return desk


def decisions(desk: Desk) -> list[dict[str, Any]]:
    return [body["d"] for body in entries(desk, "decision")]


def end_equal(desk: Desk) -> None:
    desk.close()
    report = check(desk.path.with_name("s1.log.zst"))
    assert report.differences == ()
    assert report.complete


async def test_the_old_version_quotes_until_the_new_one_knows_volatility(warm: Desk) -> None:
    warm.session.on_parameters(learning(2))
    trade_on(warm, WARM_AFTER - 2)
    assert warm.session.document.version == 1
    assert warm.session.warm_up is not None
    trade_on(warm, 5)
    assert warm.session.document.version == 2
    assert warm.session.warm_up is None
    trade_on(warm, 3)
    under = [found for found in decisions(warm) if found["version"] == 2]
    assert under
    assert all(found["sigma"] is not None and REGIME_NAMES[found["regime"]] != "warmup" for found in under)
    assert not [order for order in warm.session.orders.live if order.client_id.split("-")[2] not in "12"]
    end_equal(warm)


async def test_what_is_handed_over_is_what_the_version_would_know_by_itself(warm: Desk, tmp_path: Path) -> None:
    alone = Desk(tmp_path / "alone", Limits(orders_per_10s=10_000), parameters=learning(2))
    alone.last_id = warm.last_id
    alone.diff()
    alone.snapshot(60_005, 60_010)
    warm.snapshot(60_005, 60_010)
    warm.session.on_parameters(learning(2))
    for desk in (warm, alone):
        trade_on(desk, WARM_AFTER + 10)
    known = alone.session.view()["sigma"]
    assert known is not None
    # the one that learnt beside another saw the same updates but the one that was there when the other began
    assert warm.session.view()["sigma"] == pytest.approx(known, rel=0.1)
    warm.close()
    alone.close()


async def test_the_same_volatility_is_kept_and_swapped_at_once(warm: Desk) -> None:
    before = warm.session.view()["sigma"]
    warm.session.on_parameters(document(2, executor_refresh_time=0.05))
    assert (warm.session.document.version, warm.session.view()["sigma"]) == (2, before)
    end_equal(warm)


async def test_a_version_that_is_cold_itself_is_replaced_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits())
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    desk.session.on_parameters(learning(2))
    assert desk.session.document.version == 2
    end_equal(desk)


async def test_a_newer_version_takes_the_place_of_one_that_warms_up(warm: Desk) -> None:
    warm.session.on_parameters(learning(2))
    trade_on(warm, 5)
    warm.session.on_parameters(learning(3, window_s=20.0))
    trade_on(warm, WARM_AFTER - 2)
    assert warm.session.document.version == 1
    trade_on(warm, 5)
    assert warm.session.document.version == 3
    end_equal(warm)


async def test_a_gap_in_the_middle_takes_quotes_off_and_learning_goes_on_after_it(warm: Desk) -> None:
    warm.session.on_parameters(learning(2))
    trade_on(warm, 12)
    warm.diff(skip=3)
    await warm.quoted(0)
    warm.snapshot()
    trade_on(warm, 3)
    assert warm.session.document.version == 1
    trade_on(warm, WARM_AFTER)
    assert warm.session.document.version == 2
    end_equal(warm)


async def test_a_version_that_does_not_get_warm_in_time_is_given_up(warm: Desk) -> None:
    warm.session.on_parameters(learning(2))
    assert warm.session.give_up_warm_up(60.0) is None
    given_up = warm.session.give_up_warm_up(-1.0)
    assert given_up is not None
    assert given_up.version == 2
    trade_on(warm, WARM_AFTER + 5)
    assert warm.session.document.version == 1
    end_equal(warm)


async def test_a_journal_that_ends_while_a_version_warms_up_is_read_like_any_other(warm: Desk) -> None:
    warm.session.on_parameters(learning(2))
    trade_on(warm, 3)
    report = check(warm.path)
    assert report.differences == ()
    assert report.versions == (1,)
    last = read_last_session(warm.path.parent)
    assert last is not None
    assert last.session == "s1"
