"""The sigmas of a study's windows under any engine, computed once an engine while it is in use."""

from collections import OrderedDict
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from analytics.metrics.prediction import PredictionError, SigmaPath, foretold, prediction_error
from analytics.study.folds import Folds
from strategy.policies.parameters import ParameterSet
from strategy.policies.quantiles import provisional
from strategy.replay.tape import Tape, TapeInfo

KEPT: Final = 4  # engines; one path takes 32 bytes an update

Foretold = tuple[SigmaPath, NDArray[np.float64]]


class Sigmas:
    """One tape and its folds."""

    def __init__(self, tape: Tape, info: TapeInfo, folds: Folds) -> None:
        """Compute nothing yet."""
        self._tape, self._info, self._folds = tape, info, folds
        self._kept: OrderedDict[bytes, Foretold] = OrderedDict()

    def in_training(self, parameters: ParameterSet) -> NDArray[np.float64]:
        """Return the sigmas of the train windows, nan left out."""
        path, _ = self._path(parameters)
        keep = np.zeros(len(path.ts), bool)
        for fold in self._folds.train:
            for window in fold:
                keep |= (path.ts >= window.start_ns) & (path.ts <= window.end_ns)
        return path.sigma[keep & np.isfinite(path.sigma)]

    def error_held_out(self, parameters: ParameterSet) -> PredictionError:
        """Compare sigma with what followed, held out."""
        path, actual = self._path(parameters)
        held_out = path.ts >= self._folds.held_out[0][0].start_ns
        return prediction_error(path.sigma[held_out], actual[held_out])

    def _path(self, parameters: ParameterSet) -> Foretold:
        # Sigma depends on the engine and on which updates are accepted, and on nothing else.
        key = orjson.dumps([parameters.volatility, parameters.quoting.min_update_interval])
        if key not in self._kept:
            self._kept[key] = foretold(self._tape, self._info, provisional(parameters))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
