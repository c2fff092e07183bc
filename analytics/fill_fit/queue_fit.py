"""Which queue model, and which exponent of it, orders' fills speak for."""

import math
from dataclasses import dataclass
from typing import Final

from analytics.fill_fit.likelihood import log_likelihood
from analytics.fill_fit.profile import Estimate, Profile, profile
from analytics.fill_fit.queues import Queues
from strategy.errors import Failed
from strategy.replay.queue_models import QUEUE_MODELS

EXPONENTS: Final = (0.05, 20.0)  # the halves of a queue lose alike, the longer part loses it all
CLUMPING: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
FEWEST: Final = 30  # orders that tell something
_FREE: Final = {"risk_averse": 0, "power": 2, "log": 1}  # parameters: clumping, and power's exponent


@dataclass(frozen=True, slots=True)
class QueueFit:
    """The model with the least AIC, and what each model reached.

    `exponent` is `power`'s, with its profile, whichever model is best. `clumping` is the best model's.
    """

    queue_model: str
    exponent: Estimate
    clumping: float
    log_likelihoods: dict[str, float]
    orders: int
    exponents: Profile


def fit_queues(queues: Queues) -> QueueFit:
    """Fit all queue models; AIC = 2 (free parameters - log-likelihood) chooses (H. Akaike, 1974)."""
    if len(queues) < FEWEST:
        raise Failed(f"{len(queues)} orders tell something of the queue, at least {FEWEST} are needed")

    def clumped(model: str, exponent: float = 1.0) -> tuple[float, float]:
        return max((log_likelihood(queues, model, exponent, clumping), clumping) for clumping in CLUMPING)

    exponents = profile(lambda exponent: clumped("power", exponent)[0], *EXPONENTS)
    best = {
        "risk_averse": (log_likelihood(queues, "risk_averse"), 0.0),
        "power": clumped("power", exponents.estimate.value),
        "log": clumped("log"),
    }
    chosen = min(QUEUE_MODELS, key=lambda model: 2.0 * (_FREE[model] - best[model][0]))
    return QueueFit(
        queue_model=chosen,
        exponent=exponents.estimate,
        clumping=best[chosen][1],
        log_likelihoods={model: found for model, (found, _) in best.items()},
        orders=len(queues),
        exponents=exponents,
    )


def akaike(fit: QueueFit) -> dict[str, float]:
    """Return how much worse each model's AIC is than the best one's; 10 and more is no contest."""
    values = {model: 2.0 * (_FREE[model] - found) for model, found in fit.log_likelihoods.items()}
    least = min(values.values(), default=math.nan)
    return {model: value - least for model, value in values.items()}
