"""What MLflow takes in one request: metrics and parameters, within the limits of its stores."""

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from mlflow.entities import Metric, Param

from analytics.metrics.figures import Metrics
from strategy.policies.dotted import flat
from strategy.policies.parameters import ParameterSet

BATCH: Final = 900  # MLflow takes at most 1,000 entities in one request
MOST: Final = 100  # ... of which at most so many parameters
LONGEST: Final = 500  # characters of a parameter's value that every MLflow store keeps


def metric_list(prefix: str, metrics: Metrics, model_id: str | None = None, step: int = 0) -> list[Metric]:
    """Return metrics as MLflow takes them; a regime's are named `prefix.regime.metric`."""
    named = [
        (f"{prefix}.{name}" if regime == "all" else f"{prefix}.{regime}.{name}", value)
        for name, regime, value in metrics.rows()
    ]
    return [metric(name, value, step, model_id) for name, value in named if np.isfinite(value)]


def metric(name: str, value: float, step: int = 0, model_id: str | None = None) -> Metric:
    """Return one metric as of now."""
    return Metric(name, float(value), int(time.time() * 1e3), step, model_id=model_id)


def parameter_list(prefix: str, parameters: ParameterSet) -> list[Param]:
    """Return every value of a set as MLflow takes it, by `prefix` and dotted name, strings without quotes."""
    return [each for name, value in flat(parameters).items() for each in param(f"{prefix}{name}", value)]


def param(name: str, value: Any) -> list[Param]:
    """Return one parameter; a list whose text is too long for one becomes one an item, numbered from 1."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if len(text) > LONGEST and isinstance(value, list | tuple):
        return [each for i, item in enumerate(value) for each in param(f"{name}.{i + 1}", item)]
    return [Param(name, text[:LONGEST])]


def log_batches(client: Any, run_id: str, metrics: Sequence[Metric], params: Sequence[Param]) -> None:
    """Log in requests that MLflow accepts: as many metrics or parameters as one may hold."""
    known = [each for each in metrics if np.isfinite(each.value)]
    for start in range(0, len(known), BATCH):
        client.log_batch(run_id, metrics=known[start : start + BATCH])
    for start in range(0, len(params), MOST):
        client.log_batch(run_id, params=params[start : start + MOST])
