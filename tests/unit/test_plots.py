import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from analytics.report import path_plots, plots

N = 4_000
RNG = np.random.default_rng(1)
TS = 1_723_075_200 * 10**9 + np.arange(N, dtype=np.int64) * 10**9
WALK = np.cumsum(RNG.normal(0, 1, N))
GRID = np.linspace(0, 3e-4, 50)
SIGMA = np.abs(RNG.normal(1e-4, 2e-5, N))
WALKED = path_plots.Walked(TS, WALK, np.abs(WALK), np.ones(N))

FIGURES = {
    "spread_curve": lambda: plots.spread_curve(
        np.linspace(0, 3e-4, 50), np.linspace(2, 9, 50), (5e-5, 1e-4, 2e-4), SIGMA
    ),
    "paths": lambda: path_plots.paths(
        {"realised": [WALKED, WALKED], "foretold": [WALKED]}, [("v2", int(TS[9]))], ("BTC", "USDT")
    ),
    "shares": lambda: path_plots.shares_of_difference(
        ("foretold", "line", "realised"), np.array([1, np.nan, 2]), "bps"
    ),
    "spread_curves": lambda: plots.spread_curves(GRID, {"A": GRID * 1e4, "B": GRID * 2e4}, SIGMA),
    "fills_on_mid": lambda: plots.fills_on_mid(
        (TS, WALK), [(int(TS[0]), int(TS[9]), 1.0, 1)], {"ts": TS[:2], "price": WALK[:2], "side": np.array([1, -1])}
    ),
    "no_fills": lambda: plots.fills_on_mid(
        (TS, WALK), [], {"ts": TS[:0], "price": WALK[:0], "side": np.array([], np.int8)}
    ),
    "sigma_ribbon": lambda: plots.sigma_ribbon([(TS, SIGMA, RNG.integers(0, 5, N))]),
    "sigma_unknown": lambda: plots.sigma_ribbon([(TS, np.full(N, np.nan), np.zeros(N, np.int64))]),
    "markout_curve": lambda: plots.markout_curve((0, 1, 5), {"all": (2.0, 1.0, np.nan)}),
    "paired_bars": lambda: plots.paired_bars(("a", "b"), np.array([1, np.nan]), np.array([2.0, 1.0]), "bps"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_becomes_a_scaling_svg_with_text_and_units(name):
    text = plots.svg(FIGURES[name]())
    root = ET.fromstring(text)
    assert root.get("viewBox")
    words = " ".join(node.text or "" for node in root.iter() if node.tag.endswith("}text"))
    assert re.search(r"bps|UTC|currency", words)


def test_names_of_turns_keep_apart_and_too_many_leave_their_lines_alone():
    turns = [(f"v{i}", int(TS[2_000 + 60 * i])) for i in range(1, 6)]
    root = ET.fromstring(plots.svg(path_plots.paths({"realised": [WALKED]}, turns, ("BTC", "USDT"))))
    shown = [node for node in root.iter() if re.fullmatch(r"v\d", node.text or "")]
    assert [node.text for node in shown] == ["v1", "v2"]
    assert len({node.get("y") for node in shown}) == 2


def test_the_same_figure_gives_the_same_svg():
    assert plots.svg(FIGURES["paths"]()) == plots.svg(FIGURES["paths"]())


def test_png_is_a_png():
    assert plots.png(FIGURES["markout_curve"]())[:8] == b"\x89PNG\r\n\x1a\n"


def test_thinning_keeps_ends_and_extremes():
    values = RNG.normal(0, 1, 100_000)
    values[54_321] = 99.0
    keep = plots.decimated(values)
    assert len(keep) <= plots.MAX_POINTS + 2
    assert (keep[0], keep[-1]) == (0, len(values) - 1)
    assert 54_321 in keep
