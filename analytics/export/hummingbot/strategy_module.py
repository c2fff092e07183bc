"""The module that an exported controller decides with: the kernel's step and every policy in one file."""

from collections.abc import Iterable
from typing import Any, Final

from analytics.export.hummingbot import quoting, seams
from analytics.export.hummingbot.bundle import Bundle, Place
from analytics.export.hummingbot.prototypes import prototype
from analytics.export.hummingbot.seams import Registered
from strategy.errors import BadInput
from strategy.kernel import jit
from strategy.policies.parameters import ParameterSet
from strategy.policies.registry import KINDS, Kind, Policy, built_in

ABOUT: Final = """What microvol quotes, in plain Python: the kernel's step with every policy, and nothing of microvol's.

Written by `microvol export hummingbot` from the sources that are compiled for replay and live quoting; do not edit.
Prices are ticks, sizes lots, money atoms (a tick times a lot), times nanoseconds since the epoch, widths bps.
"""


def strategy_source(parameters: ParameterSet, offered: Iterable[Place]) -> str:
    """Return the module's source with the names that are `offered`, each under its own name.

    It has the policies of the rooms, and those that the set names.
    """
    table = {kind: {each.name: _registered(each) for each in _policies(kind, parameters)} for kind in KINDS}
    given: dict[Place, Any] = {
        (seams.__name__, "POLICIES"): table,
        (quoting.__name__, "KERNEL_DIGEST"): jit.KERNEL_DIGEST,
    }
    bundle = Bundle(given)
    for module, name in offered:
        if bundle.need(module, name) != name:
            raise BadInput(f"{module}.{name} cannot be offered: another thing has that name")
    return bundle.text(ABOUT)


def _policies(kind: Kind, parameters: ParameterSet) -> Iterable[Policy]:
    named = {each.name: each for each, _ in parameters.chosen() if each.kind == kind}
    return (each for _, each in sorted((built_in(kind) | named).items()))


def _registered(policy: Policy) -> Registered:
    return Registered(dict(policy.functions), prototype(policy.record), prototype(policy.state))
