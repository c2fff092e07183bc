from pathlib import Path

import pytest

from strategy.errors import Failed
from strategy.live.guard import DAY_NS, Limits
from strategy.live.hard_limits import HardLimits
from strategy.live.kill_switch import KillSwitch, by_hand
from strategy.live.layout import GUARD_FILE
from strategy.live.losses import Loss, LossWatch
from tests.unit.fake_broker import INSTRUMENT
from tests.unit.test_live_session import Desk

NOON = 20_000 * DAY_NS + DAY_NS // 2


def losses(**limits: float) -> LossWatch:
    return LossWatch(Limits(**limits), None)


def test_a_days_loss_over_the_limit_is_named_with_both_figures() -> None:
    watch = losses(max_daily_loss=100)
    assert watch.look(NOON, 8_000.0, 0) is None
    assert watch.look(NOON + 1, 7_900.0, 0) is None
    assert watch.look(NOON + 2, 7_899.5, 0) == Loss("day loss", "hard limit: 100.50 lost today, the limit is 100")


def test_a_new_day_begins_with_its_own_first_equity() -> None:
    watch = losses(max_daily_loss=100)
    for day, equity in enumerate((8_000.0, 7_901.0, 7_802.0)):
        assert watch.look(NOON + day * DAY_NS, equity, 0) is None


def test_a_drawdown_counts_over_days() -> None:
    watch = losses(max_daily_loss=1e9, max_drawdown=0.1)
    for day, equity in enumerate((1_000.0, 1_100.0, 995.0)):
        assert watch.look(NOON + day * DAY_NS, equity, 0) is None
    loss = watch.look(NOON + 3 * DAY_NS, 989.0, 0)
    assert loss == Loss("drawdown", "hard limit: 111.00 under the highest equity 1100.00, the limit is 110.00")


def test_what_came_in_or_went_out_is_neither_profit_nor_loss() -> None:
    watch = losses(max_daily_loss=100)
    watch.look(NOON, 8_000.0, 0)
    watch.transfer(-5_000.0)
    assert watch.look(NOON, 3_000.0, 0) is None
    assert watch.look(NOON, 2_899.0, 0) is not None


async def quoting(folder: Path, **limits: float) -> tuple[Desk, HardLimits]:
    desk = Desk(folder, Limits())
    hard = HardLimits(Limits(**limits), INSTRUMENT, folder)
    assert hard.look(desk.session) is None  # before the first book
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    return desk, hard


async def test_a_loss_survives_a_restart_and_ends_with_re_arming(tmp_path: Path) -> None:
    desk, hard = await quoting(tmp_path, max_daily_loss=50)
    assert hard.look(desk.session) is None
    hard.keep()
    desk.jump(50_000)
    again = HardLimits(Limits(max_daily_loss=50), INSTRUMENT, tmp_path)
    loss = again.look(desk.session)
    assert loss is not None
    assert loss.cause == "day loss"
    KillSwitch(tmp_path).throw(by_hand("a test", "me"))
    KillSwitch(tmp_path).rearm("over", "me")
    assert HardLimits(Limits(max_daily_loss=50), INSTRUMENT, tmp_path).look(desk.session) is None


async def test_a_file_of_losses_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / GUARD_FILE).write_text("{")
    with pytest.raises(Failed, match=r"guard\.json cannot be read"):
        HardLimits(Limits(), INSTRUMENT, tmp_path)


async def test_a_thin_book_holds_quoting_until_it_is_deep_again(tmp_path: Path) -> None:
    desk, hard = await quoting(tmp_path, min_depth_base=1.5, depth_band_bps=20)
    assert hard.look(desk.session) is None
    assert desk.session.halt_reason == "depth within 20 bps was 1 on a side, the limit is 1.5"
    await desk.quoted(0)
    desk.snapshot()
    desk.diff([["59999.00", "0.7"]])
    assert hard.look(desk.session) is None
    assert "was 1 on" in desk.session.halt_reason  # the asks are as thin as before
    desk.snapshot(60_000, 60_001)
    deep = HardLimits(Limits(min_depth_base=1.0, depth_band_bps=20), INSTRUMENT, tmp_path)
    assert deep.look(desk.session) is None
    assert not desk.session.halted
    await desk.quoted()


async def test_a_wild_market_holds_quoting(tmp_path: Path) -> None:
    desk, hard = await quoting(tmp_path, max_sigma=1e-6)
    for step in range(40):
        desk.snapshot(60_000 + 50 * (step % 2), 60_010 + 50 * (step % 2))
        desk.diff([[f"{60_001 + step % 3}.00", "1.0"]])
    sigma = desk.session.view()["sigma"]
    assert sigma is not None
    assert sigma > 1e-6
    hard.look(desk.session)
    assert desk.session.halt_reason == f"sigma was {sigma:g}, the limit is 1e-06"
    HardLimits(Limits(max_sigma=sigma * 2), INSTRUMENT, tmp_path).look(desk.session)
    assert not desk.session.halted
