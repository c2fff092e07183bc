"""Policies by kind and name. A policy is one file: a parameters model and jitted functions; nothing else names it.

Policies are found in the folders beside this file, in packages that announce an entry point in the group
`microvol.policies`, and in the files and folders handed to `add_policy_path`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from strategy.errors import BadParameters
from strategy.policies.fields import setting

Kind = Literal["volatility", "spreads", "inventory", "signals"]
KINDS: Final[tuple[Kind, ...]] = ("volatility", "spreads", "inventory", "signals")
Need = Literal["cadence", "depth"]

STATELESS: Final = np.dtype([("unused", "i1")])


class PolicyParameters(BaseModel):
    """Base of every policy's parameters: frozen, nothing unknown, bounds and units declared on the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def needs(self) -> frozenset[Need]:
        """Return what the policy cannot work without.

        `cadence`: sigma per root second, so every sample of sigma must span the same time. `depth`: the depth within
        the band around mid on every book update.
        """
        return frozenset()


class EngineParameters(PolicyParameters):
    """Base of every volatility engine's parameters."""

    vol_sampling_interval: float = setting(
        0.0,
        "sigma samples mid on this clock, the last value carried forward; 0 = at every accepted update",
        unit="s",
        search=(0.1, 5.0),
        scale="log",
        ge=0,
        le=3600,
    )

    def sample_seconds(self) -> float | None:
        """Return the time that one sample of sigma spans, None where it varies."""
        return self.vol_sampling_interval or None

    def absolute(self) -> bool:
        """Return whether sigma is in quote units; else it is a fraction of the mid."""
        return False


@dataclass(frozen=True, slots=True)
class Policy:
    """One registered policy.

    `functions` maps the seams' names to this policy's jitted functions: `volatility_update`, `spread_decide` or
    `inventory_decide` of `strategy.kernel.contract`, or `signal_observe` and `signal_decide`. `record` is the dtype of
    its parameters inside the kernel and `pack` writes a parameters model into such a record. `state` is the dtype of
    what it remembers between events (volatility and signals). `source` says where the rule comes from.
    """

    kind: Kind
    name: str
    parameters: type[PolicyParameters]
    record: np.dtype[Any]
    pack: Callable[[Any, Any], None]
    functions: dict[str, Callable[..., Any]]
    state: np.dtype[Any] = field(default=STATELESS)
    source: str = ""


@cache
def policies(kind: Kind) -> dict[str, Policy]:
    """Return the policies of one kind by name, found in the files of its folder."""
    package = importlib.import_module(f"strategy.policies.{kind}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        policy = getattr(importlib.import_module(module.name), "POLICY", None)
        if isinstance(policy, Policy):
            found[policy.name] = policy
    return found


def policy(kind: Kind, name: str) -> Policy:
    """Return one policy; an unknown name is bad input that lists the known ones."""
    known = policies(kind)
    if name not in known:
        raise BadParameters(f"{kind} policy {name!r} is unknown, known are {', '.join(sorted(known))}")
    return known[name]
