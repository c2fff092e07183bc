"""Figures of studies as people see them: words and units are there, and odd studies draw too."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from analytics.report import plots, study_plots
from analytics.report.study_plots import Stretch

RNG = np.random.default_rng(1)
TS = 1_723_075_200 * 10**9 + np.arange(600, dtype=np.int64) * 10**9
GOALS = RNG.normal(size=(40, 3))
ALL = np.ones(40, bool)


def stretch(part: str, hour: int) -> Stretch:
    return Stretch(part, TS + hour * 3_600 * 10**9, np.cumsum(RNG.normal(size=600)), np.abs(RNG.normal(size=600)))


def regimes(**orders: float) -> dict[str, dict[str, float]]:
    return {name: {"orders": count, "fill_ratio": 0.25} for name, count in orders.items()}


FIGURES = {
    "equity": (
        lambda: study_plots.fold_equity(
            [stretch("train", 0), stretch("validation", 1), stretch("held out", 2)], "USDT", "BTC"
        ),
        ("train", "validation", "held out", "PnL above holding, USDT", "BTC held"),
    ),
    "fill_ratios": (
        lambda: study_plots.fill_ratios({"train": regimes(low=9, high=8_000), "held out": regimes(low=3)}),
        ("orders with a fill, %", "low", "high", "8,000", "held out"),
    ),
    "importances": (
        lambda: study_plots.importance_bars({"spread 1": 0.7, "quoting.cooldown_time": 0.3}),
        ("spread 1", "quoting.cooldown_time", "70", "importance for the score, % (PED-ANOVA)"),
    ),
    "slices": (
        lambda: study_plots.slices(
            {"a": RNG.random(40), "b": np.geomspace(0.01, 9, 40), "c": np.ones(40), "d": RNG.random(40)},
            GOALS[:, 0],
            GOALS[:, 1] > 0,
            3,
            "score: pnl",
        ),
        ("score: pnl", "a", "d"),
    ),
    "two_objectives": (
        lambda: study_plots.pareto(GOALS[:, :2], ALL, [1, 2, 3], 2, ("pnl", "sharpe")),
        ("pnl", "sharpe", "front", "winner"),
    ),
    "three_objectives": (
        lambda: study_plots.pareto(GOALS, ~ALL, [], 2, ("pnl", "sharpe", "markout")),
        ("pnl", "sharpe", "markout", "misses a limit"),
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_what_it_shows(name):
    figure, words = FIGURES[name]
    root = ET.fromstring(plots.svg(figure()))
    said = [" ".join("".join(node.itertext()).split()) for node in root.iter() if node.tag.endswith("}text")]
    assert set(words) <= set(said)


def test_the_pnl_goes_on_from_fold_to_fold():
    first, second = stretch("train", 0), stretch("held out", 1)
    money = study_plots.fold_equity([first, second], "USDT", "BTC").axes[0]
    drawn = [line.get_ydata() for line in money.lines if len(line.get_ydata()) > 2]
    np.testing.assert_allclose(drawn[0], first.excess)
    np.testing.assert_allclose(drawn[1], first.excess[-1] + second.excess)


def test_three_objectives_are_drawn_pair_by_pair():
    axes = study_plots.pareto(GOALS, ALL, [1, 2], 2, ("pnl", "sharpe", "markout")).axes
    assert [(axis.get_xlabel(), axis.get_ylabel()) for axis in axes] == [
        ("pnl", "sharpe"),
        ("pnl", "markout"),
        ("sharpe", "markout"),
    ]
