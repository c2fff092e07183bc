"""Policies by kind and name. A policy is one file: a parameters model and jitted functions; nothing else names it."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from strategy.errors import BadParameters

Kind = Literal["volatility", "spreads", "inventory", "signals"]
KINDS: Final[tuple[Kind, ...]] = ("volatility", "spreads", "inventory", "signals")

STATELESS: Final = np.dtype([("unused", "i1")])


class PolicyParameters(BaseModel):
    """Base of every policy's parameters: frozen, nothing unknown, bounds and units declared on the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """One registered policy.

    `functions` maps the names of `strategy.kernel.contract` to this policy's jitted functions. `record` is the dtype of
    its parameters inside the kernel and `pack` writes a parameters model into such a record. `state` is the dtype of
    what it remembers between events.
    """

    kind: Kind
    name: str
    parameters: type[PolicyParameters]
    record: np.dtype[Any]
    pack: Callable[[Any, Any], None]
    functions: dict[str, Callable[..., Any]]
    state: np.dtype[Any] = STATELESS


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
