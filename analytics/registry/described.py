"""A calibration in words: the tags and the note of its run, and what an operator reads on a version's page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from analytics.gates.verdicts import WORDS, Verdict, gate_words
from analytics.metrics.curves import half_spread_curve
from analytics.registry.made_with import git_commit
from analytics.study.objective import Evaluation
from analytics.study.study import StudyResult
from strategy.kernel import jit
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import TapeInfo

FIGURES: Final = (  # of the held-out fold: name, title, digits
    ("edge_bps", "edge, bps", 3),
    ("fills", "fills", 0),
    ("fill_ratio", "orders with a fill", 3),
    ("fees_quote", "fees", 3),
    ("taker_fills", "fills that took", 0),
    ("taker_fees_quote", "fees of those", 3),
    ("excess_pnl_quote", "PnL above holding", 3),
    ("max_drawdown_quote", "deepest fall", 3),
    ("inventory_max_base", "largest inventory", 5),
)
UNKNOWN: Final = "unknown"
GATES: Final = "**Gates**, on the held-out fold and around it:"
TAKEN: Final = ("taker_fills", "taker_fees_quote")  # shown where barriers or rebalancing took something
SIGMAS: Final = (("calm (10 %)", 0.1), ("median", 0.5), ("busy (90 %)", 0.9))


def family(parameters: ParameterSet) -> str:
    """Return the policies of a set: volatility, spread and inventory."""
    parts = (parameters.volatility, parameters.spread, parameters.inventory)
    return " / ".join(str(part["policy"]) for part in parts)


def window(info: TapeInfo) -> str:
    """Return a tape's window in UTC, to the minute."""
    start, end = (
        datetime.fromtimestamp((ns + info.clock_offset_ns) // 10**9, UTC) for ns in (info.start_ns, info.end_ns)
    )
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def run_name(result: StudyResult) -> str:
    """Return what a study's run is called, short enough for MLflow's table: policy, digest and sampler."""
    return f"{result.base.spread['policy']} {result.name.rpartition('-')[2][:6]} {result.settings.search.sampler}"


def common_tags(result: StudyResult, info: TapeInfo) -> dict[str, str]:
    """Return what the runs of one study have in common and a table of runs is sorted and filtered by."""
    return {
        "study": result.name,
        "venue": info.venue,
        "symbol": info.symbol,
        "window": window(info),
        "policies": family(result.base),
        "sampler": result.settings.search.sampler,
        "objective": " + ".join(result.settings.objective.measures),
        "fill_model": fill_model(result),
    }


def fill_model(result: StudyResult) -> str:
    """Return the version of the fill model that replays assumed, `none` for the constants of the settings."""
    version = result.settings.fill_model
    return "none" if version is None else str(version)


def study_tags(result: StudyResult, info: TapeInfo, verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the tags of a study's own run; `mlflow.*` fill the columns that MLflow has for them."""
    commit = git_commit()
    own = {
        "kind": "study",
        "gates": gate_words(verdicts),
        "tape_fingerprint": info.fingerprint,
        "lake_snapshot": str(info.lake_snapshot),
        "git_commit": commit,
        "kernel_digest": jit.KERNEL_DIGEST,
        "mlflow.source.name": "microvol calibrate",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit.partition(" ")[0],
        "mlflow.note.content": study_note(result, info, verdicts),
    }
    return common_tags(result, info) | own


def study_note(result: StudyResult, info: TapeInfo, verdicts: Sequence[Verdict]) -> str:
    """Return what stands on top of a study's page, Markdown."""
    settings, pruned = result.settings, sum(row.pruned for row in result.trials)
    feasible = sum(row.feasible for row in result.trials)
    stopped = f", {pruned} of them pruned" if pruned else ""
    lines = [
        f"**{len(result.trials)} trials** by {settings.search.sampler}{stopped}; {feasible} kept to every limit. "
        f"Trial **{result.winner.trial.number}** won: chosen {_rule(result)}, then judged on the held-out fold.",
        "",
        f"{info.symbol} on {info.venue}, {window(info)}, lake snapshot {info.lake_snapshot}, "
        f"fill model {fill_model(result)}.",
        "",
        *_comparison(result),
        "",
        GATES,
        "",
        *_gates(verdicts),
        "",
        "Every trial: `trials.json`. Figures: `plots/`. Nested runs: "
        + ("the Pareto front." if settings.objective.also else "the best candidates."),
    ]
    return "\n".join(lines)


def version_note(
    result: StudyResult, info: TapeInfo, verdicts: Sequence[Verdict], version: int, blocked: Sequence[str]
) -> str:
    """Return what an operator reads before promoting a version, Markdown; its first line stands alone in tables.

    `blocked` names the gates that are in the way.
    """
    way = f"**Promotion is blocked** by {', '.join(blocked)}." if blocked else "**No gate is in the way.**"
    place = f"--venue {info.venue} --symbol {info.symbol}"
    lines = [
        headline(result),
        "",
        way,
        "",
        *_comparison(result),
        "",
        *_widths(result),
        "",
        GATES,
        "",
        *_gates(verdicts),
        "",
        f"Policies {family(result.winner.point.parameters)}; {info.symbol} on {info.venue}, {window(info)}, "
        f"lake snapshot {info.lake_snapshot}, fill model {fill_model(result)}, study {result.name}.",
        "",
        "```",
        f'microvol promote   {place} --version {version} --reason "..."',
        f'microvol rollback  {place} --reason "..."',
        f"microvol calibrate {place} --reproduce {version}",
        "```",
    ]
    return "\n".join(lines)


def headline(result: StudyResult) -> str:
    """Return a version in one line."""
    figures = result.held_out.metrics.overall
    earned = f"edge {figures['edge_bps']:.3f} bps on {figures['fills']:.0f} fills" if figures["fills"] else "no fill"
    return f"winner of {len(result.trials)} trials (trial {result.winner.trial.number}): {earned} held out"


def _rule(result: StudyResult) -> str:
    objective = result.settings.objective
    if not objective.also:
        return "as the best of the candidates on the validation folds"
    if not objective.weights:
        return "from the validation folds' Pareto front as its knee"
    weights = ", ".join(f"{name} {weight:g}" for name, weight in objective.weights.items())
    return f"from the validation folds' Pareto front by weights ({weights})"


def _comparison(result: StudyResult) -> list[str]:
    """Return a table of what the winner and its rivals did on the held-out fold."""
    known: dict[str, Evaluation | None] = {
        "this": result.held_out,
        "champion": result.champion,
        "base set": result.baseline,
    }
    shown = {name: each for name, each in known.items() if each is not None}
    measures = result.settings.objective.measures
    rows = [
        (f"score, {measure}", [f"{each.goals[i]:.4g}" for each in shown.values()]) for i, measure in enumerate(measures)
    ]
    for name, title, digits in FIGURES:
        values = [each.metrics.overall[name] for each in shown.values()]
        if any(values) or name not in TAKEN:
            rows.append((title, [f"{value:,.{digits}f}" if np.isfinite(value) else UNKNOWN for value in values]))
    return _table(["held out", *shown], rows)


def _widths(result: StudyResult) -> list[str]:
    """Return a table of half-spreads at the train windows' sigmas, before inventory, below what it is."""
    if len(result.sigma) == 0:
        return []
    sigmas = np.quantile(result.sigma, [share for _, share in SIGMAS])
    sets = {"this": result.winner.point.parameters, "base set": result.base}
    widths = {name: half_spread_curve(parameters, sigmas) for name, parameters in sets.items()}
    rows = [
        (f"{label}: sigma {1e4 * sigma:.3g} bps", [f"{each[i]:.3g}" for each in widths.values()])
        for i, ((label, _), sigma) in enumerate(zip(SIGMAS, sigmas, strict=True))
    ]
    what = "**Half-spreads** at sigmas of the train folds, before inventory moves them:"
    return [what, "", *_table(["half-spread, bps", *widths], rows)]


def _gates(verdicts: Sequence[Verdict]) -> list[str]:
    rows = [
        (verdict.name, [WORDS[verdict.passed], _shown(verdict.value), _shown(verdict.threshold)])
        for verdict in verdicts
    ]
    return _table(["gate", "verdict", "value", "threshold"], rows)


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if np.isfinite(value) else UNKNOWN


def _table(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    # MLflow's pages leave no room between columns
    body = ([title, *(f"&emsp;{cell}" for cell in cells)] for title, cells in rows)
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *body]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
