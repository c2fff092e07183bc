"""Parameters by dotted name: `quoting.cooldown_time`, `spread.policy`, `signals.trend.trend_bias`.

The names that a person overrides single values by, that a study searches and that MLflow shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import orjson
from pydantic import BaseModel

from strategy.errors import BadParameters
from strategy.policies.faults import shown
from strategy.policies.fields import Setting, settings_of
from strategy.policies.parameters import GROUPS, ParameterSet, parse_parameters
from strategy.policies.sections import THRESHOLDS

SECTIONS: Final = ("regimes", "quoting", "barriers", "risk")
SIGNALS: Final = "signals"
QUANTILES: Final = "regimes.threshold_quantiles"
WORDS: Final[dict[str, Any]] = {"none": None, "true": True, "false": False}


def flat(parameters: ParameterSet) -> dict[str, Any]:
    """Return every value of a set by its dotted name, policies' names as `group.policy`, in a fixed order."""
    data = parameters.model_dump(mode="json")
    values: dict[str, Any] = {}
    for group in (*GROUPS, *SECTIONS):
        values |= {f"{group}.{field}": value for field, value in data[group].items()}
    for each in data[SIGNALS]:
        values |= {f"{SIGNALS}.{each['policy']}.{field}": value for field, value in each.items()}
    return values


def models(parameters: ParameterSet) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each part of a set as its dotted name and the model that declares its fields."""
    for group in GROUPS:
        yield group, parameters.policy_of(group)[0].parameters
    for section in SECTIONS:
        yield section, type(getattr(parameters, section))
    for chosen, _ in parameters.signal_policies():
        yield f"{SIGNALS}.{chosen.name}", chosen.parameters


def declared(parameters: ParameterSet) -> dict[str, Setting]:
    """Return what is declared of every parameter of a set's policies and sections, by dotted name."""
    return {f"{part}.{each.name}": each for part, model in models(parameters) for each in settings_of(model)}


def changed(parameters: ParameterSet, changes: Mapping[str, Any]) -> ParameterSet:
    """Return the set with single values replaced, checked as a whole.

    Another `group.policy` starts from that policy's defaults; a signal that the set lacks is added. Thresholds and
    their quantiles replace each other.
    """
    data: dict[str, Any] = parameters.model_dump(mode="json")
    for name in sorted(changes, key=lambda each: not each.endswith(".policy")):
        part, field = _place(name)
        fields = _fields_of(data, part)
        if field == "policy" and changes[name] != fields.get("policy"):
            fields.clear()
        fields[field] = changes[name]
    _settle_thresholds(data["regimes"], changes)
    return parse_parameters(data)


def assignments(texts: Sequence[str]) -> dict[str, Any]:
    """Read `group.field=value` texts; a value is JSON, `none`, `true`, `false`, or else a word."""
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value:
            raise BadParameters(f"{shown(text)} sets nothing: write group.field=value, like quoting.cooldown_time=3")
        found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _place(name: str) -> tuple[str, str]:
    """Split a dotted name into its part and its field."""
    part, _, field = name.rpartition(".")
    group, _, signal = part.partition(".")
    if group not in (*GROUPS, *SECTIONS, SIGNALS):
        raise BadParameters(f"{name} names no group, known are {', '.join((*GROUPS, SIGNALS, *SECTIONS))}")
    if (group == SIGNALS) != bool(signal):
        raise BadParameters(f"{name} is not group.field, nor {SIGNALS}.policy.field")
    return part, field


def _fields_of(data: dict[str, Any], part: str) -> dict[str, Any]:
    """Return the fields of a part of the decoded set, to be written into; a signal it lacks is put at its end."""
    group, _, signal = part.partition(".")
    if not signal:
        return cast(dict[str, Any], data[group])
    for each in data[SIGNALS]:
        if each["policy"] == signal:
            return cast(dict[str, Any], each)
    data[SIGNALS].append({"policy": signal})
    return cast(dict[str, Any], data[SIGNALS][-1])


def _settle_thresholds(regimes: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Let numbers that were just set replace quantiles, and quantiles that were just set replace numbers."""
    numbers = [name for name in THRESHOLDS if f"regimes.{name}" in changes]
    if QUANTILES not in changes and numbers:
        regimes["threshold_quantiles"] = None
    if changes.get(QUANTILES) is not None and not numbers:
        for name in THRESHOLDS:
            del regimes[name]
