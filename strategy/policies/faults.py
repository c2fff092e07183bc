"""Faults of a pydantic model as one line for a person: field, value and bound."""

from typing import Any, Final

from pydantic import BaseModel, ValidationError

SHOWN: Final = 80  # characters of a wrong value


def one_line(error: ValidationError, model: type[BaseModel] | None = None, within: str = "") -> str:
    """Return the first fault of a pydantic error as `field was value: what is allowed`.

    With the `model` that refused, an unknown field lists the known ones; `within` is put before the field's name.
    """
    fault = error.errors()[0]
    field = dotted_name(((within,) if within else ()) + fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return _rule(field, message, _model_at(model, fault["loc"]))
    if fault["type"] == "missing":
        return f"{field} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{field} was {shown(fault['input'])}: it is unknown{_known(_model_at(model, fault['loc'][:-1]))}"
    return f"{field or 'parameters'} was {shown(fault['input'])}: {message[0].lower()}{message[1:]}"


def dotted_name(parts: tuple[int | str, ...]) -> str:
    """Return a field's place as people write it: `signals[0].trend_bias`."""
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name


def shown(value: Any) -> str:
    """Return a wrong value, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _rule(field: str, message: str, model: type[BaseModel] | None) -> str:
    """Put the field's name before the words of a rule that a model checks itself."""
    if not field:
        return message
    names_its_field = model is not None and message.split(" ", 1)[0] in model.model_fields
    return f"{field}.{message}" if names_its_field else f"{field}: {message}"


def _known(model: type[BaseModel] | None) -> str:
    if model is None:
        return ""
    return f", known are {', '.join(sorted(model.model_fields))}" if model.model_fields else ", there are none to set"


def _model_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model at a place inside another, None where there is none."""
    for part in place:
        info = model.model_fields.get(str(part)) if model is not None else None
        annotation = None if info is None else info.annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return model
