import numpy as np
import pytest

from analytics.gates import Evidence, GateSettings, failed, judge
from analytics.metrics import Metrics
from analytics.objective import Evaluation
from strategy.policies.document import ParameterDocument
from tests.unit.activity_samples import random_activity, random_path
from tests.unit.registry_documents import document_with


def evaluation(fills=20.0, edge=0.5, drawdown=0.0, score=1.0) -> Evaluation:
    rng = np.random.default_rng(1)
    activity = random_activity(rng, random_path(rng, 30), 3, 30)
    figures = {"fills": fills, "edge_bps": edge, "max_drawdown_quote": drawdown}
    return Evaluation(score, 0.0, (score,), Metrics(figures, {}), (activity,))


def verdicts(held_out: Evaluation, rival: Evaluation, name="champion", document: ParameterDocument | None = None):
    evidence = Evidence(document or document_with(9.0), held_out, rival, name, GateSettings())
    return {verdict.name: verdict for verdict in judge(evidence)}


def test_a_good_winner_passes_every_gate():
    assert all(verdict.passed for verdict in verdicts(evaluation(), evaluation(score=0.5)).values())


@pytest.mark.parametrize(
    ("gate", "held_out"),
    [
        ("fills", evaluation(fills=4.0)),
        ("edge", evaluation(edge=0.0)),
        ("edge", evaluation(edge=np.nan)),
        ("rival", evaluation(score=0.2)),
        ("drawdown", evaluation(drawdown=1e6)),
    ],
)
def test_each_gate_stops_what_it_is_for(gate, held_out):
    said = verdicts(held_out, evaluation(score=0.5))
    assert [name for name, verdict in said.items() if not verdict.passed] == [gate]


def test_a_losing_winner_passes_the_edge_gate_only_above_a_rival_that_loses_more():
    assert verdicts(evaluation(edge=-0.1), evaluation(edge=-0.4))["edge"].passed
    assert not verdicts(evaluation(edge=-0.5), evaluation(edge=-0.4))["edge"].passed
    assert not verdicts(evaluation(edge=-0.1), evaluation(edge=0.2))["edge"].passed


def test_a_baseline_need_not_be_beaten():
    assert verdicts(evaluation(score=0.2), evaluation(score=0.5), name="baseline")["rival"].passed


def test_parameters_of_another_kernel_do_not_pass():
    old = document_with(9.0).model_copy(update={"kernel_digest": "0" * 64})
    assert not verdicts(evaluation(), evaluation(), document=old)["kernel"].passed


def test_verdicts_are_stored_with_numbers_and_unknowns_as_words():
    kept = verdicts(evaluation(edge=np.nan), evaluation())["edge"].as_dict()
    assert (kept["passed"], kept["value"], kept["threshold"]) == (False, "unknown", 0.0)


def test_failed_names_what_a_version_did_not_pass():
    document = document_with(9.0)
    assert failed(document) == []
    gates = ({"name": "edge", "passed": False, "value": -1.0, "threshold": 0.0, "rule": "edge held out, bps >"},)
    provenance = document.provenance.model_copy(update={"gates": gates})
    assert failed(document.model_copy(update={"provenance": provenance})) == [
        "gate edge: -1.0 (edge held out, bps > 0.0)"
    ]
    bare = document.model_copy(update={"provenance": provenance.model_copy(update={"gates": ()})})
    assert failed(bare) == ["version 0 carries no gate verdicts"]
