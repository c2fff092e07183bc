import re
from dataclasses import replace

import numpy as np
import pytest

from analytics.gates.agreement import NOTHING_LIVE, nothing
from analytics.gates.gates import judge
from analytics.gates.statistics.deflated import moments_of
from analytics.gates.stress import Strained
from analytics.gates.thresholds import GateSettings
from analytics.gates.verdicts import failed, gate_rows, gate_words
from tests.unit.gate_samples import AGREED, DAY, evaluation, evidence, skilled, strained
from tests.unit.registry_documents import document_with

NAN = float("nan")


def verdicts(**changes):
    return {verdict.name: verdict for verdict in judge(evidence(**changes))}


def not_passed(said):
    return {name: verdict.passed for name, verdict in said.items() if verdict.passed is not True}


def spent():
    """Return trials whose good periods are paid for by their bad ones."""
    noise = np.random.default_rng(3).normal(size=(128, 20))
    return noise - noise.mean(axis=0)


def test_a_good_winner_passes_every_gate():
    assert not_passed(verdicts()) == {}


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("fills", {"held_out": evaluation(fills=4.0)}),
        ("rival", {"held_out": evaluation(score=0.2)}),
        ("drawdown", {"held_out": evaluation(drawdown=1e6)}),
        ("overfitting", {"searched": spent(), "settings": GateSettings(min_deflated_sharpe=0.0)}),
        ("deflated_sharpe", {"searched": skilled(gain=0.2)}),
        ("gain", {"gain": skilled(gain=-0.1)[:, 0]}),
        ("neighbourhood", {"neighbours": {"a": 0.45, "b": 0.39, "c": NAN}}),
        ("stress_latency", {"stress": strained(latency=Strained(-0.1, 20.0))}),
        ("stress_queue", {"stress": strained(queue=Strained(-0.1, 20.0))}),
        ("stress_fee", {"stress": strained(fee=Strained(-0.1, 20.0))}),
        ("stress_spread", {"stress": strained(spread=Strained(-0.1, 20.0))}),
        ("live_edge", {"yesterday": replace(AGREED, replay_edge_bps=2.9)}),
        ("live_edge", {"yesterday": replace(AGREED, live_edge_bps=NAN)}),
        ("live_fills", {"yesterday": replace(AGREED, replay_fills=201.0)}),
        ("live_fills", {"yesterday": replace(AGREED, replay_fills=49.0)}),
        ("live_decisions", {"yesterday": replace(AGREED, differing_fields=1.0)}),
    ],
)
def test_each_gate_stops_what_it_is_for(gate, changes):
    assert not_passed(verdicts(**changes)) == {gate: False}


@pytest.mark.parametrize("edge", [0.0, NAN])
def test_without_an_edge_there_is_none_for_neighbours_to_keep(edge):
    assert not_passed(verdicts(held_out=evaluation(edge=edge))) == {"edge": False, "neighbourhood": None}


def test_a_losing_winner_passes_the_edge_gate_only_above_a_champion_that_loses_more():
    assert verdicts(held_out=evaluation(edge=-0.1), rival=evaluation(edge=-0.4))["edge"].passed
    assert not verdicts(held_out=evaluation(edge=-0.5), rival=evaluation(edge=-0.4))["edge"].passed
    assert not verdicts(held_out=evaluation(edge=-0.1), rival=evaluation(edge=0.2))["edge"].passed
    beside_baseline = verdicts(held_out=evaluation(edge=-0.1), rival=evaluation(edge=-0.4), rival_name="baseline")
    assert not beside_baseline["edge"].passed


def test_a_baseline_need_not_be_beaten_but_not_quoting_must():
    said = verdicts(held_out=evaluation(score=0.2), rival=evaluation(score=0.5), rival_name="baseline")
    assert said["rival"].passed
    assert "not quoting" in said["gain"].rule
    assert "the champion" in verdicts()["gain"].rule


def test_parameters_of_another_kernel_do_not_pass():
    old = document_with(9.0).model_copy(update={"kernel_digest": "0" * 64})
    assert not verdicts(document=old)["kernel"].passed


@pytest.mark.parametrize(
    ("gate", "changes", "why"),
    [
        ("days", {"settings": GateSettings(min_days=3.0)}, "needs 3 d held out, had 2 d"),
        (
            "overfitting",
            {"searched": skilled(periods=47)},
            r"needs 0.333 days searched \(48 periods of 10 min\), had 47",
        ),
        ("overfitting", {"searched": skilled(trials=1)}, "needs 2 trials, had 1"),
        ("deflated_sharpe", {"searched": np.zeros((0, 3))}, "had 0"),
        ("gain", {"gain": np.ones(5)}, "needs 0.333 days held out"),
        ("neighbourhood", {"neighbours": {}}, "needs a searched number"),
        ("stress_spread", {"stress": strained(spread=None)}, "needs 2 stretches of 1 h"),
        ("stress_fee", {"stress": strained(fee=Strained(-0.1, 4.0))}, "needs 5 fills and what followed them, had 4"),
        ("stress_fee", {"stress": strained(fee=Strained(NAN, 9.0))}, "had 9"),
        ("live_edge", {"yesterday": None}, "nobody took"),
        ("live_fills", {"yesterday": replace(AGREED, live_fills=19.0)}, "needs 20 live fills on 2026-01-31, had 19"),
        ("live_fills", {"yesterday": nothing(DAY, "no market data (x)")}, r"no market data \(x\)"),
        ("live_decisions", {"yesterday": None}, "nobody took"),
        ("live_decisions", {"yesterday": replace(AGREED, differing_fields=NAN)}, "needs the report of 2026-01-31"),
    ],
)
def test_a_gate_without_enough_to_judge_by_says_what_it_needs(gate, changes, why):
    verdict = verdicts(**changes)[gate]
    assert verdict.passed is None
    assert re.search(why, verdict.why)


def test_nothing_live_yesterday_passes_and_is_said():
    said = verdicts(yesterday=nothing(DAY, NOTHING_LIVE))
    assert not_passed(said) == {}
    assert said["live_edge"].why == "nothing was live on 2026-01-31"


def test_the_best_of_many_on_a_market_without_an_edge_is_refused_in_19_of_20_seeds():
    refused = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        searched, held_out = rng.normal(size=(120, 30)), rng.normal(size=(60, 30))
        best = int(np.argmax([moments_of(column).sharpe for column in searched.T]))
        order = [best, *(i for i in range(30) if i != best)]
        said = verdicts(searched=searched[:, order], gain=held_out[:, best], trials=30)
        refused += any(verdict.passed is False for verdict in said.values())
    assert refused >= 19


def test_trials_that_differ_in_skill_do_not_count_as_luck():
    searched = skilled(gain=0.6) + np.linspace(0.0, -3.0, 20)
    assert verdicts(searched=searched, trials=300)["deflated_sharpe"].passed


def test_verdicts_are_stored_with_numbers_reasons_and_unknowns_as_words():
    kept = verdicts(held_out=evaluation(edge=NAN))["edge"].as_dict()
    assert (kept["passed"], kept["value"], kept["threshold"], kept["why"]) == (False, "unknown", 0.0, "")
    assert verdicts(yesterday=None)["live_edge"].as_dict()["passed"] is None


def stored(*gates):
    document = document_with(9.0)
    provenance = document.provenance.model_copy(update={"gates": tuple(gate.as_dict() for gate in gates)})
    return document.model_copy(update={"provenance": provenance})


def test_words_name_what_failed_and_what_was_not_applicable():
    assert gate_words(tuple(verdicts().values())) == "passed"
    said = verdicts(held_out=evaluation(edge=0.0), yesterday=None)
    expected = "failed: edge; not applicable: neighbourhood, live_edge, live_fills, live_decisions"
    assert gate_words(tuple(said.values())) == expected


def test_failed_names_what_is_in_a_versions_way_and_why():
    said = verdicts(neighbours={"spread_low +10%": 0.1}, settings=GateSettings(min_days=3.0))
    document = stored(*said.values())
    why = "0 of 1, the worst is spread_low +10%: 0.1 of 0.5 bps"
    line = f"gate neighbourhood: 0 (share of neighbours that keep 80% of the edge >= 0.8); {why}"
    assert failed(document) == [line]
    assert failed(document, require_all=True) == ["gate days: not applicable; needs 3 d held out, had 2 d", line]
    assert failed(document_with(9.0)) == []
    assert failed(stored()) == ["version 0 carries no gate verdicts"]


def test_rows_show_a_versions_gates_with_number_and_threshold():
    rows = gate_rows(stored(*verdicts(yesterday=None).values()))
    assert len(rows) == 17
    assert rows[0] == ("fills", "passed", 20.0, 5.0, "fills held out >=")
    assert rows[-1][1:3] == ("not applicable", "unknown")
    assert gate_rows(document_with(9.0)) == [("fills", "passed", 9.0, 5.0, "")]
