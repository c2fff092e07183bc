"""Policies by kind and name. A policy is one file: a parameters model and jitted functions; nothing else names it.

Policies are found in the folders beside this file, in the files and folders that `MICROVOL_POLICY_PATH` names or
`add_policy_path` is handed, and in packages that announce an entry point in the group `microvol.policies`.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from strategy.errors import BadInput, BadParameters
from strategy.policies import plugins
from strategy.policies.fields import setting

Kind = Literal["volatility", "spreads", "inventory", "signals"]
KINDS: Final[tuple[Kind, ...]] = ("volatility", "spreads", "inventory", "signals")
Need = Literal["cadence", "depth"]

SEAMS: Final[dict[Kind, set[str]]] = {
    "volatility": {"volatility_update"},
    "spreads": {"spread_decide"},
    "inventory": {"inventory_decide"},
    "signals": {"signal_observe", "signal_decide"},
}

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

    `skips` promises what the skip driver relies on; a set with a policy that does not is replayed event by event. A
    spread or inventory policy promises that its answer depends on sigma, mid and holdings alone, and that over any
    range of sigma and of mid each of its fields lies between its values at the four corners. A signal promises that
    leaving out calls of its `signal_decide` changes no later answer. Engines see the market alone and always skip.
    `follows_mid` says that an inventory policy's enabled sides depend on mid.
    """

    kind: Kind
    name: str
    parameters: type[PolicyParameters]
    record: np.dtype[Any]
    pack: Callable[[Any, Any], None]
    functions: dict[str, Callable[..., Any]]
    state: np.dtype[Any] = field(default=STATELESS)
    source: str = ""
    skips: bool = False
    follows_mid: bool = False


@cache
def policies(kind: Kind) -> dict[str, Policy]:
    """Return the policies of one kind by name: the folder's own, then those of plug-ins."""
    found = dict(built_in(kind))
    for origin, policy in plugged_in():
        if policy.kind != kind:
            continue
        if policy.name in found:
            raise BadInput(f"{origin} offers {kind} policy {policy.name!r}, which is there already")
        found[policy.name] = policy
    return found


@cache
def built_in(kind: Kind) -> dict[str, Policy]:
    """Return the policies that the files of the kind's folder hold."""
    package = importlib.import_module(f"strategy.policies.{kind}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        policy = getattr(importlib.import_module(module.name), "POLICY", None)
        if isinstance(policy, Policy):
            found[policy.name] = policy
    return found


@cache
def plugged_in() -> tuple[tuple[str, Policy], ...]:
    """Return the policies of all plug-ins in sight, each checked, with where it comes from."""
    return tuple((origin, _checked(offer, origin)) for origin, offer in plugins.offered())


def add_policy_path(path: Path) -> None:
    """Offer the policies of a file or folder too, here and in child processes; a fault in them leaves all as it was."""
    undo = plugins.add_to_path(path)
    look_again()
    try:
        for kind in KINDS:
            policies(kind)
    except BadInput:
        undo()
        look_again()
        raise


def look_again() -> None:
    """Forget which plug-ins there are, and have code that is compiled from now on know of them."""
    policies.cache_clear()
    plugged_in.cache_clear()
    if "strategy.kernel.jit" in sys.modules:  # else its import will see them
        importlib.import_module("strategy.kernel.jit").rekey()


def _checked(offer: object, origin: str) -> Policy:
    """Return what a plug-in offers if it keeps to the contract; its name becomes part of generated sources."""
    if not isinstance(offer, Policy):
        raise BadInput(f"{origin} offers a {type(offer).__name__}, it must offer a Policy")
    if offer.kind not in KINDS:
        raise BadInput(f"{origin} offers kind {offer.kind!r}, known are {', '.join(KINDS)}")
    if re.fullmatch("[a-z][a-z0-9_]*", offer.name) is None:
        raise BadInput(f"{origin} offers name {offer.name!r}, allowed are small letters, digits and underscores")
    if set(offer.functions) != SEAMS[offer.kind]:
        given, wanted = ", ".join(sorted(offer.functions)), ", ".join(sorted(SEAMS[offer.kind]))
        raise BadInput(f"{origin} has functions {given}, policies of kind {offer.kind} have {wanted}")
    base = EngineParameters if offer.kind == "volatility" else PolicyParameters
    if not issubclass(offer.parameters, base):
        raise BadInput(f"{origin} has parameters {offer.parameters.__name__}, they must be {base.__name__}")
    for seam, function in offer.functions.items():
        plain = getattr(function, "py_func", function)
        if getattr(sys.modules[plain.__module__], plain.__name__, None) is not function:
            raise BadInput(f"{origin} has a {seam} that cannot be imported as {plain.__module__}.{plain.__name__}")
    return offer


def policy(kind: Kind, name: str) -> Policy:
    """Return one policy; an unknown name is bad input that lists the known ones."""
    known = policies(kind)
    if name not in known:
        raise BadParameters(f"{kind} policy {name!r} is unknown, known are {', '.join(sorted(known))}")
    return known[name]
