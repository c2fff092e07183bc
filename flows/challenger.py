"""From a finished study to a challenger: judge the winner, log the calibration, register the version."""

from typing import Any

from analytics.experiment import log_calibration
from analytics.gates import Evidence, GateSettings, Verdict, judge
from analytics.registry import Registry
from analytics.study import StudyResult
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import Instrument, ParameterDocument, Provenance
from strategy.replay.tape import TapeInfo


def register_winner(registry: Registry, result: StudyResult, info: TapeInfo) -> dict[str, Any]:
    """Judge, log and register a study's winner; return version, verdicts and the figures people ask for first."""
    verdicts = judge(_evidence(result, info))
    logged = log_calibration(registry, result, info, verdicts)
    edge = result.held_out.metrics.overall["edge_bps"]
    said = _said(verdicts)
    document = registry.register(
        _document(result, info, logged.candidate_run_ids[0], verdicts),
        logged.candidate_run_ids[0],
        f"winner of study {result.name}: edge {edge:.3g} bps held out",
        {"gates": said, "edge_bps": f"{edge:.6g}", "study": result.name},
    )
    figures = result.held_out.metrics.overall
    return {
        "version": document.version,
        "passed": all(verdict.passed for verdict in verdicts),
        "gates": said,
        "edge_bps": edge,
        "baseline_edge_bps": result.baseline.metrics.overall["edge_bps"],
        "fills_held_out": figures["fills"],
        "pnl_held_out_quote": figures["excess_pnl_quote"],
        "study": result.name,
        "trials": len(result.trials),
        "run_id": logged.run_id,
        "content_hash": document.content_hash,
        **{f"{name}_seconds": spent for name, spent in result.seconds.items()},
        "logging_seconds": logged.seconds,
    }


def _evidence(result: StudyResult, info: TapeInfo) -> Evidence:
    rival = result.champion or result.baseline
    name = "champion" if result.champion else "baseline"
    return Evidence(_document(result, info, None, ()), result.held_out, rival, name, GateSettings())


def _document(
    result: StudyResult, info: TapeInfo, run_id: str | None, verdicts: tuple[Verdict, ...]
) -> ParameterDocument:
    sizes = {name: getattr(info, name) for name in Instrument.model_fields}
    return ParameterDocument(
        version=0,
        instrument=Instrument(**sizes),
        parameters=result.winner.point.parameters,
        kernel_digest=KERNEL_DIGEST,
        provenance=Provenance(
            window_start_ns=info.start_ns,
            window_end_ns=info.end_ns,
            lake_snapshot=info.lake_snapshot,
            tape_fingerprint=info.fingerprint,
            seed=result.settings.seed,
            trials=len(result.trials),
            study=result.name,
            run_id=run_id,
            gates=tuple(verdict.as_dict() for verdict in verdicts),
        ),
    )


def _said(verdicts: tuple[Verdict, ...]) -> str:
    """Return the verdicts in a few words: how many passed, and which did not."""
    lost = [verdict.name for verdict in verdicts if not verdict.passed]
    count = f"{len(verdicts) - len(lost)} of {len(verdicts)} passed"
    return f"{count}, not {', '.join(lost)}" if lost else count
