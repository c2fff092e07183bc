"""What a person may set: the parameter set, its checks and its canonical form.

A parameter set names one policy a kind, and any number of signals, and carries each policy's own fields beside its
name: `{"volatility": {"policy": "rolling_std", "vol_window_seconds": 60, …}, "spread": {…}, "inventory": {…},
"signals": [{"policy": "trend", …}], "regimes": {…}, …}`.
"""

import hashlib
from typing import Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from strategy.errors import BadParameters
from strategy.kernel.records import MAX_SIGNALS
from strategy.policies.faults import one_line as one_line  # callers find it beside the set
from strategy.policies.migration import SCHEMA_VERSION, migrated
from strategy.policies.registry import EngineParameters, Kind, Policy, PolicyParameters, policy
from strategy.policies.sections import Barriers, Quoting, Regimes, Risk

GROUPS: Final[dict[str, Kind]] = {"volatility": "volatility", "spread": "spreads", "inventory": "inventory"}


class ParameterSet(BaseModel):
    """One complete set of parameters; equal sets have equal canonical JSON and equal content hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[2] = SCHEMA_VERSION
    volatility: dict[str, Any] = Field(default_factory=lambda: {"policy": "rolling_std"})
    spread: dict[str, Any] = Field(default_factory=lambda: {"policy": "discrete"})
    inventory: dict[str, Any] = Field(default_factory=lambda: {"policy": "buy_only"})
    signals: tuple[dict[str, Any], ...] = Field((), max_length=MAX_SIGNALS)
    regimes: Regimes = Regimes()
    quoting: Quoting = Quoting()
    barriers: Barriers = Barriers()
    risk: Risk = Risk()

    @model_validator(mode="before")
    @classmethod
    def _migrate(cls, data: Any) -> Any:
        return migrated(data) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _complete_groups(self) -> Self:
        """Check each policy's fields and write its defaults out, so that a stored set says everything."""
        for group, kind in GROUPS.items():
            object.__setattr__(self, group, _completed(kind, group, getattr(self, group)))
        signals = tuple(_completed("signals", f"signals[{i}]", each) for i, each in enumerate(self.signals))
        object.__setattr__(self, "signals", signals)
        names = [each["policy"] for each in signals]
        if len(set(names)) < len(names):
            raise ValueError(f"signals were {', '.join(names)}, each may be named once")
        return self

    @model_validator(mode="after")
    def _needs_are_met(self) -> Self:
        """Refuse a policy whose width is per root second where sigma's samples do not span equal times."""
        if self.engine.sample_seconds() is None:
            for chosen, fields in self.chosen():
                if "cadence" in fields.needs():
                    raise ValueError(
                        f"{chosen.name} needs volatility.vol_sampling_interval over 0: it was 0, "
                        "and sigma per update is not sigma per second"
                    )
        return self

    def policy_of(self, group: str) -> tuple[Policy, PolicyParameters]:
        """Return the policy of one group and its checked parameters."""
        return _chosen(GROUPS[group], getattr(self, group))

    def signal_policies(self) -> list[tuple[Policy, PolicyParameters]]:
        """Return the signals in their order, with their checked parameters."""
        return [_chosen("signals", fields) for fields in self.signals]

    def chosen(self) -> list[tuple[Policy, PolicyParameters]]:
        """Return every policy of the set with its checked parameters: groups in their order, then signals."""
        return [self.policy_of(group) for group in GROUPS] + self.signal_policies()

    def policies(self) -> list[Policy]:
        """Return every policy of the set without its parameters, whose check takes its time."""
        groups = [policy(kind, getattr(self, group)["policy"]) for group, kind in GROUPS.items()]
        return groups + [policy("signals", fields["policy"]) for fields in self.signals]

    @property
    def engine(self) -> EngineParameters:
        """Return the volatility engine's parameters."""
        _, fields = self.policy_of("volatility")
        assert isinstance(fields, EngineParameters)
        return fields

    @property
    def needs_depth(self) -> bool:
        """Return whether a rule or a policy looks at the depth around mid."""
        if self.risk.min_depth_base > 0:
            return True
        asking = any(each.parameters.needs is not PolicyParameters.needs for each in self.policies())
        return asking and any("depth" in fields.needs() for _, fields in self.chosen())

    def canonical_json(self) -> bytes:
        """Return the one byte string that means this set: sorted keys, shortest floats, no white space."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of the canonical JSON."""
        return hashlib.sha256(self.canonical_json()).hexdigest()


def _completed(kind: Kind, group: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a policy's fields checked and with every default written out."""
    fields = dict(given)
    name = fields.pop("policy", None)
    if not isinstance(name, str):
        raise ValueError(f"{group}.policy was {name!r}, it must name a policy")
    try:
        chosen = policy(kind, name)
    except BadParameters as error:
        raise ValueError(f"{group}: {error}") from error
    try:
        model = chosen.parameters(**fields)
    except ValidationError as error:
        raise ValueError(one_line(error, chosen.parameters, group)) from error
    return {"policy": name, **model.model_dump(mode="json")}


def _chosen(kind: Kind, given: dict[str, Any]) -> tuple[Policy, PolicyParameters]:
    fields = dict(given)
    found = policy(kind, fields.pop("policy"))
    return found, found.parameters(**fields)


def parse_parameters(data: Any) -> ParameterSet:
    """Build a parameter set from decoded JSON; the first fault becomes one line naming field, value and bound."""
    try:
        return ParameterSet.model_validate(data)
    except ValidationError as error:
        raise BadParameters(one_line(error, ParameterSet)) from error
