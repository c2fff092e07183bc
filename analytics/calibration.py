"""One calibration from tape to challenger: study, gates, MLflow, registry."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from analytics.gates.agreement import Agreement
from analytics.gates.evidence import gather
from analytics.gates.gates import judge
from analytics.gates.thresholds import GateSettings
from analytics.gates.verdicts import Verdict, blocks, gate_words
from analytics.registry.described import fill_model, headline, version_note
from analytics.registry.experiment import Logged, log_calibration, log_version
from analytics.registry.recipe import Asked, Recipe
from analytics.registry.registry import Registry
from analytics.study.study import Progress, StudyResult, StudySettings, run_study
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import Instrument, ParameterDocument, Provenance
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import Tape, TapeInfo


@dataclass(frozen=True, slots=True)
class Calibration:
    """A study and what became of its winner; an interrupted study is neither judged, logged nor registered."""

    result: StudyResult
    verdicts: tuple[Verdict, ...]
    logged: Logged | None
    document: ParameterDocument | None
    require_all: bool = False
    gate_seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Say whether the winner was registered and no gate is in its way."""
        return self.document is not None and not any(blocks(each.passed, self.require_all) for each in self.verdicts)

    @property
    def gates(self) -> str:
        """Return the verdicts in words."""
        return gate_words(self.verdicts)


def calibrate(
    registry: Registry,
    tape: Tape,
    info: TapeInfo,
    base: ParameterSet,
    settings: StudySettings,
    gates: GateSettings | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    yesterday: Agreement | None = None,
    window: Asked = (None, None),
) -> Calibration:
    """Search around `base`, judge the winner on the held-out fold, log all of it, register it as challenger.

    `yesterday` is how well replay agreed with live; without it the gates that ask for it are not applicable. `window`
    is what the tape was asked for: it is kept with the version, which can be computed again (analytics.reproduction).
    """
    champion = registry.champion(info.venue, info.symbol)
    rival = None if champion is None else champion.parameters
    result = run_study(tape, info, base, settings, progress, stop, rival)
    if result.interrupted:
        return Calibration(result, (), None, None)
    begun, wanted = time.perf_counter(), gates or GateSettings()
    evidence = gather(result, tape, info, document_of(result, info, (), None), wanted, rival, yesterday)
    verdicts = judge(evidence)
    seconds = time.perf_counter() - begun
    logged = log_calibration(registry, result, info, verdicts)
    document = document_of(result, info, verdicts, logged.run_id)
    judged = {"champion": rival, "gates": wanted, "yesterday": yesterday}
    recipe = Recipe.of(result, verdicts, base, window, **judged).to_json()
    numbered = registry.register(document, logged.run_id, headline(result), _tags(result, verdicts), recipe)
    blocked = [each.name for each in verdicts if blocks(each.passed, wanted.require_all)]
    registry.describe(numbered, version_note(result, info, verdicts, numbered.version, blocked))
    log_version(registry, numbered, result)
    return Calibration(result, verdicts, logged, numbered, wanted.require_all, seconds)


def document_of(
    result: StudyResult, info: TapeInfo, verdicts: tuple[Verdict, ...], run_id: str | None
) -> ParameterDocument:
    """Return the winner as a document that says where it comes from; its version is the registry's to give."""
    provenance = Provenance(
        window_start_ns=info.start_ns,
        window_end_ns=info.end_ns,
        lake_snapshot=info.lake_snapshot,
        tape_fingerprint=info.fingerprint,
        seed=result.settings.seed,
        trials=len(result.trials),
        study=result.name,
        run_id=run_id,
        gates=tuple(verdict.as_dict() for verdict in verdicts),
    )
    return ParameterDocument(
        version=0,
        instrument=instrument_of(info),
        parameters=result.winner.point.parameters,
        kernel_digest=KERNEL_DIGEST,
        provenance=provenance,
    )


def instrument_of(info: TapeInfo) -> Instrument:
    """Return the filters that a tape was made under."""
    names = ("venue", "symbol", "tick_size", "lot_size", "min_qty", "min_notional")
    return Instrument(**{name: getattr(info, name) for name in names})


def _tags(result: StudyResult, verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    held_out = result.held_out
    kept = {"gates": gate_words(verdicts), "study": result.name, "score_held_out": f"{held_out.score:.6g}"}
    quantiles = ", ".join(f"{q:.4f}" for q in result.winner.point.quantiles) or "none"
    kept |= {"fill_model": fill_model(result)}
    return kept | {"edge_bps": f"{held_out.metrics.overall['edge_bps']:.6g}", "sigma_quantiles": quantiles}
