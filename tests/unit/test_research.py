"""`Research` against the raw messages: what it says is what plain dictionaries and the kernel say."""

import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.ingest.importer import import_files
from analytics.lake.moments import duration_ns, nanoseconds
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake, LakeSettings
from analytics.metrics import occupancy
from analytics.research import Research
from analytics.tape import book_series
from analytics.tape.tape import load_tape
from flows import rooms
from flows.settings import load_settings
from strategy.errors import BadInput, Failed
from strategy.kernel.records import BUY, REGIME_NAMES, REGIMES, SELL
from strategy.kernel.risk import regime_of
from strategy.policies.parameters import ParameterSet
from strategy.policies.presets import preset
from strategy.policies.quantiles import provisional, resolved
from strategy.replay.sigma import sigma_series
from tests.unit import market_lines as lines
from tests.unit.research_samples import SYMBOL, VENUE, Levels, naive_book, recording

pytestmark = pytest.mark.slow

HERE = (VENUE, SYMBOL)
RAW = recording().lines
SIDES = {"bid": BUY, "ask": SELL}


def stamps() -> list[int]:
    return [int(each.split(b" ", 1)[0]) for each in RAW]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    with Lake.open(LakeSettings.under(folder / "lake")) as lake:
        import_files(lake, [lines.write(folder / "raw.log", RAW)], *HERE)
    return folder


@pytest.fixture(scope="module")
def research(home: Path) -> Iterator[Research]:
    with Research(home) as found:
        yield found


def levels_of(book: pl.DataFrame) -> Levels:
    rows = book.select("side", "price", "quantity").rows()
    return {(SIDES[side], round(price * 100)): round(quantity * 1000) for side, price, quantity in rows}


@pytest.mark.slow
def test_the_book_at_random_moments_is_that_of_plain_dictionaries(research: Research) -> None:
    rng = random.Random(5)
    first, last = stamps()[0], stamps()[-1]
    moments = [*rng.sample(stamps(), 12), *(rng.randint(first, last + 10**9) for _ in range(12)), last]
    unknown = 0
    for at_ns in moments:
        found, expected = research.book_at(*HERE, at_ns), naive_book(RAW, at_ns)
        assert levels_of(found) == (expected or {})
        unknown += expected is None
    assert 0 < unknown < len(moments) / 2


def test_a_book_is_listed_bids_first_and_best_first(research: Research) -> None:
    book = research.book_at(*HERE, stamps()[-1])
    assert book.schema == {"side": pl.String, "level": pl.Int64, "price": pl.Float64, "quantity": pl.Float64}
    bids, asks = book.filter(side="bid"), book.filter(side="ask")
    assert book["side"].to_list() == ["bid"] * len(bids) + ["ask"] * len(asks)
    assert bids["price"].is_sorted(descending=True)
    assert asks["price"].is_sorted()
    assert bids["level"].to_list() == list(range(1, len(bids) + 1))
    assert asks["level"].to_list() == list(range(1, len(asks) + 1))


def test_an_unknown_book_is_an_empty_frame_and_says_why(research: Research, caplog: pytest.LogCaptureFixture) -> None:
    hole = research.gaps(*HERE).filter(stream="depth")["local_ts"].cast(pl.Int64)[0]
    with caplog.at_level(logging.WARNING, "microvol.research"):
        before, after = research.book_at(*HERE, stamps()[0]), research.book_at(*HERE, hole)
    assert before.is_empty()
    assert after.is_empty()
    assert before.schema == research.book_at(*HERE, stamps()[-1]).schema
    assert "no snapshot that its updates continue was received before" in caplog.messages[0]
    assert "was due at 2023-11-14T22:13:" in caplog.messages[1]
    assert not research.book_at(*HERE, hole - 1).is_empty()


@pytest.mark.parametrize("stretch", [book_series.STRETCH, 7])
def test_top_levels_on_a_grid_are_those_of_the_book_at_each_moment(
    research: Research, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    monkeypatch.setattr(book_series, "STRETCH", stretch)
    found = research.top(*HERE, levels=3, every="250ms")
    assert found.width == 1 + 4 * 3
    assert (found["ts"].cast(pl.Int64) % 250_000_000 == 0).all()
    for row in found.iter_rows(named=True):
        book = naive_book(RAW, nanoseconds(row["ts"], "ts")) or {}
        assert shown(row, 3) == best(book, 3)
    assert found["bid_price_1"].null_count() > 0


def test_top_levels_by_update_follow_every_message_and_name_the_holes(research: Research) -> None:
    found = research.top(*HERE, levels=2, every=None)
    moments = found["ts"].cast(pl.Int64).to_list()
    assert moments == sorted(moments)
    holes = research.gaps(*HERE).filter(stream="depth")["local_ts"].cast(pl.Int64).to_list()
    last = dict(zip(moments, found.iter_rows(named=True), strict=True))
    assert set(holes) <= set(moments)
    for at_ns, row in last.items():
        assert shown(row, 2) == best(naive_book(RAW, at_ns) or {}, 2)
    assert found["bid_price_1"].null_count() == len(holes)


def shown(row: dict[str, float | None], depth: int) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for side in ("bid", "ask"):
        for n in range(1, depth + 1):
            price, size = row[f"{side}_price_{n}"], row[f"{side}_quantity_{n}"]
            found.append(None if price is None or size is None else (round(price * 100), round(size * 1000)))
    return found


def best(book: Levels, depth: int) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for wanted in (BUY, SELL):
        rows = sorted(((t, lots) for (side, t), lots in book.items() if side == wanted), reverse=wanted == BUY)
        found += [*rows[:depth], *[None] * (depth - len(rows[:depth]))]
    return found


def test_a_window_begins_with_the_book_as_it_stood_and_ends_before_its_end(research: Research) -> None:
    start, end = "2023-11-14T22:13:26", datetime(2023, 11, 14, 22, 13, 28, tzinfo=UTC)
    found = research.top(*HERE, start, end, levels=1, every="1s")
    assert found["ts"].dt.strftime("%H:%M:%S").to_list() == ["22:13:26", "22:13:27"]
    book = best(naive_book(RAW, nanoseconds(start, "start")) or {}, 1)
    assert shown(found.row(0, named=True), 1) == book


def test_trades_are_those_of_the_recording(research: Research) -> None:
    found = research.trades(*HERE)
    made = [each for each in RAW if b"@trade" in each]
    assert len(found) == len(made)
    assert found["trade_id"].to_list() == list(range(1, len(made) + 1))
    assert found.schema["exch_ts"] == pl.Datetime("ns", "UTC")
    assert found["side"].to_list() == ["sell" if b'"m":true' in each else "buy" for each in made]
    assert found["quantity"].unique().to_list() == [0.005]
    middle = found["local_ts"][10]
    assert len(research.trades(*HERE, end=middle)) == 10
    assert len(research.trades(*HERE, start=middle)) == len(found) - 10


def test_numbers_can_be_exact_decimals(home: Path) -> None:
    with Research(home, exact=True) as exact, Research(home) as plain:
        found, near = exact.trades(*HERE), plain.trades(*HERE)
        assert found["price"].to_list() == [Decimal(f"{price:.2f}") for price in near["price"]]
        assert found["quantity"][0] == Decimal("0.005")
        assert exact.book_at(*HERE, stamps()[-1]).schema["price"] == pl.Decimal(38, 2)


def test_sigma_is_what_the_strategy_sees(research: Research, home: Path) -> None:
    chosen = preset("micro_vol")
    found = research.sigma(*HERE, parameters="micro_vol")
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        tape, info = load_tape(lake, *HERE)
    ts, mid, sigma = sigma_series(tape, info, provisional(chosen))
    assert len(ts) > 50
    assert found["ts"].cast(pl.Int64).to_list() == (ts + info.clock_offset_ns).tolist()
    assert found["mid"].to_list() == [float(Decimal(str(ticks)) / 100) for ticks in mid]
    assert np.array_equal(found["sigma"].fill_null(np.nan).to_numpy(), sigma, equal_nan=True)
    assert found["sigma"].null_count() == np.isnan(sigma).sum() > 0


def test_regimes_are_the_kernels_and_their_time_is_that_between_updates(research: Research) -> None:
    sigma = research.sigma(*HERE, parameters="micro_vol")
    known = sigma["sigma"].drop_nulls()
    cuts = known.quantile(0.2), known.quantile(0.5), known.quantile(0.8)
    chosen = ParameterSet.model_validate(
        preset("micro_vol").model_dump()
        | {"regimes": dict(zip(("low_threshold", "medium_threshold", "high_threshold"), cuts, strict=True))}
    )
    found = research.sigma(*HERE, parameters=chosen)
    limits = np.zeros(1, REGIMES)
    for name, cut in zip(("low_threshold", "medium_threshold", "high_threshold"), cuts, strict=True):
        limits[0][name] = cut
    values = found["sigma"].fill_null(np.nan)
    assert found["regime"].to_list() == [REGIME_NAMES[regime_of(limits[0], each)] for each in values]
    held = research.regimes(*HERE, parameters=chosen)
    assert set(held["regime"]) == {*REGIME_NAMES, "unknown"}
    assert dict(held.select("regime", "updates").rows()) == {
        **dict(found["regime"].value_counts().rows()),
        "unknown": 0,
    }
    assert held["share"].sum() == pytest.approx(1)
    ts = found["ts"].cast(pl.Int64)
    assert held["seconds"].sum() == pytest.approx((ts[-1] - ts[0]) / 1e9)
    holes = research.gaps(*HERE).filter(stream="depth")["local_ts"].cast(pl.Int64).to_list()
    next_updates = [ts.filter(ts >= at_ns)[0] for at_ns in holes]
    silent = sum(after - at_ns for at_ns, after in zip(holes, next_updates, strict=True)) / 1e9
    assert held.filter(regime="unknown")["seconds"][0] == pytest.approx(silent, abs=0.01)


def test_open_quantiles_are_resolved_on_the_windows_sigmas() -> None:
    sigma = np.array([np.nan, 0.001, 0.002, 0.003, 0.004])
    chosen = ParameterSet.model_validate({"regimes": {"threshold_quantiles": [0.25, 0.5, 0.75]}})
    numbers = resolved(chosen, sigma)
    found = occupancy.regime_names(chosen, sigma)
    assert found.to_list() == occupancy.regime_names(numbers, sigma).to_list()
    assert found[0] == "warmup"
    assert found[4] == "high"


def test_what_is_ingested_meanwhile_is_seen_by_the_next_answer(tmp_path: Path) -> None:
    made = recording(3)
    held = list(made.lines)
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        import_files(lake, [lines.write(tmp_path / "a.log", held)], *HERE)
        with Research(tmp_path) as reader:
            before = len(reader.trades(*HERE))
            more = made.go_on(6).lines
            import_files(lake, [lines.write(tmp_path / "b.log", more)], *HERE)
            assert len(reader.trades(*HERE)) == before + 3
            at_ns = int(more[-1].split(b" ", 1)[0])
            assert levels_of(reader.book_at(*HERE, at_ns)) == naive_book(more, at_ns)


@pytest.mark.slow
def test_an_answer_is_of_one_snapshot_whatever_is_ingested_during_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recording(4)
    early = [*made.lines[:30], *made.lines[60:]]
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        import_files(lake, [lines.write(tmp_path / "a.log", early)], *HERE)
        with Research(tmp_path) as reader:
            alone = reader.top(*HERE, levels=2, every=None)
            monkeypatch.setattr(book_series, "STRETCH", 9)
            planned = book_series._stretches

            def late(messages: book_series.Messages, end: int) -> Iterator[book_series.Stretch]:
                import_files(lake, [lines.write(tmp_path / "b.log", made.lines[:70])], *HERE)
                yield from planned(messages, end)

            monkeypatch.setattr(book_series, "_stretches", late)
            assert reader.top(*HERE, levels=2, every=None).equals(alone)
            monkeypatch.setattr(book_series, "_stretches", planned)
            assert not reader.top(*HERE, levels=2, every=None).equals(alone)


def test_a_snapshot_that_was_expired_meanwhile_is_said(tmp_path: Path) -> None:
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        import_files(lake, [lines.write(tmp_path / "a.log", RAW[:40])], *HERE)
        market = book_series.Market(lake, *HERE, lake.snapshot_id())
        import_files(lake, [lines.write(tmp_path / "b.log", RAW)], *HERE)
        lake._connection.execute("call ducklake_expire_snapshots('lake', versions => [?])", [market.version])
        with pytest.raises(Failed, match=f"snapshot {market.version} of the lake was expired while it was read"):
            book_series.book_at(market, stamps()[30])


def test_the_place_is_the_one_that_the_commands_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f'home = "{tmp_path / "there"}"\nlake_data = "{tmp_path / "rows"}"\n')
    monkeypatch.setenv("MICROVOL_CONFIG", str(file))
    monkeypatch.delenv("MICROVOL_HOME", raising=False)
    with rooms.lake(load_settings()) as lake:
        assert LakePlace.of().lake == lake.settings
    assert LakePlace.of().tapes == load_settings().home / "tape"
    assert LakePlace.of().tracking_uri == load_settings().mlflow_store
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path / "mine"))
    with rooms.lake(load_settings()) as lake:
        assert LakePlace.of().lake == lake.settings
    assert LakePlace.of(tmp_path).lake == LakeSettings.under(tmp_path / "lake")


def test_what_is_wrong_is_named(research: Research, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="the lake holds nothing of binance ETH/USDT"):
        research.book_at("binance", "ETH/USDT", "2024-01-01")
    with pytest.raises(Failed, match="holds nothing of binance BTC/USDT in the window"):
        research.top(*HERE, "2024-01-01", "2024-01-02")
    with pytest.raises(BadInput, match="levels was 0"):
        research.top(*HERE, levels=0)
    with pytest.raises(BadInput, match="every was 'often'"):
        research.top(*HERE, every="often")
    with pytest.raises(BadInput, match="start was 2024-01-02, it must be before end 2024-01-01"):
        research.trades(*HERE, "2024-01-02", "2024-01-01")
    with pytest.raises(BadInput, match="parameters was 'champion', no preset, and there are no versions yet"):
        research.sigma(*HERE, parameters="champion")
    with pytest.raises(Failed, match="there is no lake at"):
        Research(tmp_path / "nowhere")


def test_moments_may_be_written_in_many_ways() -> None:
    exact = 1_769_860_800_123_456_789
    assert nanoseconds(exact, "t") == exact
    assert nanoseconds("2026-01-31T12:00:00.123456789", "t") == exact
    assert nanoseconds("2026-01-31T13:00:00.123456789+01:00", "t") == exact
    assert nanoseconds(np.datetime64(exact, "ns"), "t") == exact
    hour = timezone(timedelta(hours=1))
    assert nanoseconds(datetime(2026, 1, 31, 13, 0, 0, 123456, hour), "t") == exact - 789
    assert nanoseconds("2026-01-31", "t") == nanoseconds(datetime(2026, 1, 31).date(), "t") == 1_769_817_600 * 10**9
    assert [duration_ns(each, "every") for each in ("250ms", "1s", "5m", 7)] == [250_000_000, 10**9, 300 * 10**9, 7]
    with pytest.raises(BadInput, match="t was 1769860800, which is before 1973"):
        nanoseconds(1_769_860_800, "t")
    with pytest.raises(BadInput, match="t was 'noon'"):
        nanoseconds("noon", "t")
