"""Exported controllers run headless in Hummingbot, and decide at every sample what the kernel's step decides.

`make test-hummingbot` runs this file: HUMMINGBOT_PYTHON is the interpreter of an environment that has Hummingbot.
"""

import json
import math
import os
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from analytics.export.hummingbot.fields import config_fields
from analytics.export.hummingbot.files import config_text, export_hummingbot
from strategy.kernel.book import band_limit
from strategy.kernel.records import (
    BOOK,
    BUY,
    CANCELLING,
    COOLDOWN,
    FRESH,
    IDLE,
    PARAMETERS,
    PENDING,
    POSITION,
    QUOTED,
    SELL,
    TAKE,
    TIMER,
    TRADE,
)
from strategy.kernel.risk import replace_holdings
from strategy.kernel.state import ENTRIES, EXITS
from strategy.policies.document import ParameterDocument
from strategy.policies.stepper import Stepper, new_event
from tests.hummingbot_rig.cases import BALANCES, MOVED, PAIR, Case, every_case, market
from tests.unit.hummingbot_streams import plain, same
from tests.unit.kernel_samples import BTC

CASES = every_case()
START = 1_700_000_000  # the recording's second 0
TICK, LOT = Decimal(BTC.tick_size), Decimal(BTC.lot_size)
OTHER_KERNEL_ROW = 300  # of hot-update: a file for another kernel stands there for a while


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Hummingbot folder with the exported modules and a configuration a case."""
    folder = tmp_path_factory.mktemp("hummingbot")
    export_hummingbot(next(iter(CASES.values())).document, "binance", folder)
    (folder / "market.json").write_text(json.dumps(market()))
    for case in CASES.values():
        (folder / "conf" / "controllers" / f"{case.name}.yml").write_text(written(case.document))
        for row, document in case.replaced.items():
            (folder / f"{case.name}-{row}.yml").write_text(written(document))
    strange = written(CASES["hot-update"].replaced[200]).replace("version: 2", "version: 9")
    digest = config_fields(CASES["hot-update"].document, "binance")["kernel_digest"]
    (folder / f"hot-update-{OTHER_KERNEL_ROW}.yml").write_text(strange.replace(digest, "f" * 64))
    return folder


@pytest.fixture(scope="module")
def runs(root: Path) -> dict[str, dict[str, Any]]:
    """Return what every case did in Hummingbot, by name."""
    cases, out = root / "cases.json", root / "out.jsonl"
    cases.write_text(json.dumps([described(case) for case in CASES.values()]))
    driver = Path(__file__).with_name("drive.py")
    command = [os.environ["HUMMINGBOT_PYTHON"], str(driver), str(cases), str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = [json.loads(line) for line in out.read_text().splitlines()]
    return {run["name"]: run | {"log": done.stderr} for run in found}


def written(document: ParameterDocument) -> str:
    return config_text(document, config_fields(document, "binance"))


def described(case: Case) -> dict[str, Any]:
    updates: dict[int, dict[str, Any]] = {row: {"row": row, "moved": moved} for row, moved in MOVED.items()}
    replaced = [*case.replaced, *([OTHER_KERNEL_ROW] if case.replaced else [])]
    for row in replaced:
        updates.setdefault(row, {"row": row})["config"] = f"{case.name}-{row}.yml"
    rule = {"tick": BTC.tick_size, "lot": BTC.lot_size, "min_qty": BTC.min_qty, "min_notional": BTC.min_notional}
    return {
        "name": case.name,
        "pair": PAIR,
        "rule": rule,
        "balances": BALANCES,
        "fill_in_parts": case.name not in ("barriers", "rebalance"),
        "market": "market.json",
        "config": f"{case.name}.yml",
        "updates": list(updates.values()),
    }


class Kernel:
    """The kernel's step, shown what a controller was shown: the recording itself, balances and executors."""

    def __init__(self, case: Case) -> None:
        self._versions = {each.version: each.parameters for each in (case.document, *case.replaced.values())}
        self._stepper = Stepper(case.parameters, BTC, 0.0, 0.0, 1)
        self._market = market()
        self._row = -1
        self._version = 1

    def take(self, sample: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the actions of a sample and the last decision record."""
        state, now = self._stepper._state, sample["now_ns"]
        for slot, shown in zip(state.slots, sample["slots"], strict=True):
            for name, value in shown.items():
                slot[name] = value
        if any(shown["state"] != IDLE for shown in sample["slots"][ENTRIES:]):
            state.core[0]["exits_used"] = 1
        actions = []
        if sample["core"]["version"] != self._version:
            self._version = sample["core"]["version"]
            self._stepper.swap(self._versions[self._version], self._version)
            state = self._stepper._state
            actions += self._feed(PARAMETERS, now, code=self._version)
        lots, atoms = Decimal(sample["balances"][0]) / LOT, Decimal(sample["balances"][1]) / (TICK * LOT)
        core = state.core[0]
        if (core["base_lots"], core["quote_atoms"]) != (float(lots), float(atoms)):
            getattr(replace_holdings, "py_func", replace_holdings)(core, float(lots), float(atoms))
        return actions + self._market_events(sample["row"], now), plain(self._stepper.decision)

    def _market_events(self, row: int, now: int) -> list[dict[str, Any]]:
        before, self._row = self._row, row
        actions = []
        for shown in self._market[before + 1 : row + 1]:
            for price, amount, is_buy in shown["trades"]:
                fields = {"side": BUY if is_buy else SELL, "price_ticks": ticks(price), "qty_lots": lots_of(amount)}
                actions += self._feed(TRADE, round((START + shown["at"]) * 1_000_000_000), **fields)
        if row == before:
            return actions + self._feed(TIMER, now)
        return actions + self._feed(BOOK, now, **self._book(self._market[row]))

    def _book(self, row: dict[str, Any]) -> dict[str, float]:
        (bid, bid_size), (ask, ask_size) = row["bids"][0], row["asks"][0]
        fields = {"bid_ticks": ticks(bid), "ask_ticks": ticks(ask)}
        fields |= {"bid_lots": lots_of(bid_size), "ask_lots": lots_of(ask_size)}
        if self._stepper.needs_depth:
            mid, band = 0.5 * (fields["bid_ticks"] + fields["ask_ticks"]), self._stepper.depth_band_bps
            lowest, highest = band_limit(mid, band, BUY), band_limit(mid, band, SELL)
            fields["bid_depth_lots"] = sum(lots_of(size) for price, size in row["bids"] if ticks(price) >= lowest)
            fields["ask_depth_lots"] = sum(lots_of(size) for price, size in row["asks"] if ticks(price) <= highest)
        return fields | {"flag": FRESH if self._stepper.needs_snapshot else 0}

    def _feed(self, kind: int, now: int, **fields: float) -> list[dict[str, Any]]:
        count = self._stepper.feed(new_event(kind, local_ts=now, exch_ts=now, **fields))
        return [plain(each) for each in self._stepper.actions[:count]]


def ticks(price: str) -> int:
    return int(Decimal(price) / TICK)


def lots_of(amount: str) -> int:
    return int(Decimal(amount) / LOT)


@pytest.mark.parametrize("name", CASES)
def test_every_sample_is_decided_as_by_the_kernel(name: str, runs: dict[str, dict[str, Any]]) -> None:
    kernel, samples = Kernel(CASES[name]), runs[name]["samples"]
    assert len(samples) > 200
    for i, sample in enumerate(samples):
        actions, decision = kernel.take(sample)
        known = {key: math.nan if value is None else value for key, value in sample["decision"].items()}
        assert same(decision, known), f"sample {i}: {decision} is not {known}"
        assert actions == sample["actions"], f"sample {i}"


@pytest.mark.parametrize("name", CASES)
def test_executors_are_asked_for_the_wanted_quotes_and_orders_rest_no_nearer(
    name: str, runs: dict[str, dict[str, Any]]
) -> None:
    run = runs[name]
    placed = [each for sample in run["samples"] for each in sample["actions"] if each["kind"] == 1]
    wanted = [(each["price_ticks"] * TICK, each["qty_lots"] * LOT) for each in placed]
    asked = [(Decimal(each["price"]), Decimal(each["amount"])) for each in run["wanted"]]
    assert asked == wanted
    assert len(asked) > 20
    levels = max(
        len(each) for each in (CASES[name].parameters.quoting.buy_spreads, CASES[name].parameters.quoting.sell_spreads)
    )
    assert run["most_at_once"] <= 2 * levels + (4 if name == "barriers" else 0)


def test_every_field_of_the_configuration_stands_in_the_file(root: Path, runs: dict[str, dict[str, Any]]) -> None:
    for name, run in runs.items():
        assert sorted(yaml.safe_load((root / "conf" / "controllers" / f"{name}.yml").read_text())) == run["fields"]


def test_markets_led_through_every_regime_and_slots_through_every_state(runs: dict[str, dict[str, Any]]) -> None:
    samples = [sample for run in runs.values() for sample in run["samples"]]
    assert set(Counter(sample["core"]["regime"] for sample in samples)) == {0, 1, 2, 3, 4}
    states = {slot["state"] for sample in samples for slot in sample["slots"]}
    assert states >= {PENDING, QUOTED, CANCELLING, COOLDOWN, POSITION}
    assert sum(run["fills"] for run in runs.values()) > 100


def test_profit_orders_of_filled_quotes_are_shown_to_the_strategy(runs: dict[str, dict[str, Any]]) -> None:
    shown = [slot for sample in runs["barriers"]["samples"] for slot in sample["slots"][ENTRIES:EXITS]]
    assert any(slot["state"] == QUOTED and slot["price_ticks"] > 0 for slot in shown)


def test_a_breach_of_the_rebalance_threshold_has_one_order(runs: dict[str, dict[str, Any]]) -> None:
    taken = [each for sample in runs["rebalance"]["samples"] for each in sample["actions"] if each["kind"] == TAKE]
    assert taken


def test_a_running_controller_takes_over_an_exported_version_and_refuses_another_kernel(
    runs: dict[str, dict[str, Any]],
) -> None:
    versions = [sample["core"]["version"] for sample in runs["hot-update"]["samples"]]
    assert [version for i, version in enumerate(versions) if i == 0 or version != versions[i - 1]] == [1, 2, 3]
    assert "version 9 is for kernel ffffffffffff" in runs["hot-update"]["log"]
