"""A study whose parameters a plug-in declares: what it searched, as JSON."""

import json

from analytics.study.folds import FoldSettings
from analytics.study.objective import Objective
from analytics.study.study import StudySettings, run_study
from strategy.policies.parameters import parse_parameters
from strategy.replay.driver import ReplayConfig
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.plugin.session import PARAMETERS

SETTINGS = StudySettings(
    replay=ReplayConfig(base=0.01, quote=2_000.0),
    trials=6,
    candidates=2,
    folds=FoldSettings(train_folds=2, validation_folds=1),
    objective=Objective(min_fills=1, min_fills_per_hour=0.0),
)

if __name__ == "__main__":
    tape, info = synthetic_tape(SyntheticMarket(updates=2_400, seed=3, volatility_ticks=300.0))
    found = run_study(tape, info, parse_parameters(PARAMETERS), SETTINGS)
    point = found.winner.point
    print(  # noqa: T201
        json.dumps(
            {
                "searched": sorted(point.values),
                "trials": len(found.trials),
                "sigmas": [each.point.parameters.spread["sigmas"] for each in found.candidates],
                "spread": point.parameters.spread["policy"],
                "signals": [each["policy"] for each in point.parameters.signals],
            }
        )
    )
