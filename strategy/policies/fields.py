"""How a parameter is declared: bounds, unit, search range and source in one place, for all who want to know.

Checks, search space, command line help, MLflow parameters and the table in `docs/policies.md` all read these fields.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

Scale = Literal["linear", "log"]


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    search: tuple[float, float] | None = None,
    scale: Scale = "linear",
    source: str = "",
    **bounds: Any,
) -> Any:
    """Return a pydantic field; `bounds` are pydantic's own (`ge`, `lt`, `max_length`, …).

    `search` is the range a study may explore when it is switched on, on `scale`; `source` says where the rule or its
    default comes from, where that is not the strategy's own text.
    """
    span: list[Any] | None = None if search is None else list(search)
    extra: dict[str, Any] = {"unit": unit, "search": span, "scale": scale, "source": source}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is declared of one parameter."""

    name: str
    default: Any
    description: str
    unit: str
    bounds: str
    search: tuple[float, float] | None
    scale: Scale
    source: str
    annotation: Any

    @property
    def allowed(self) -> str:
        """Return the bounds, or the words that a parameter may be."""
        return " or ".join(get_args(self.annotation)) if get_origin(self.annotation) is Literal else self.bounds

    @property
    def default_text(self) -> str:
        """Return the default as it stands in a parameter file."""
        if isinstance(self.default, str):
            return self.default
        return "none" if self.default is None else json.dumps(self.default)

    @property
    def search_text(self) -> str:
        """Return the search range as people write it: `1 to 60, log`."""
        if self.search is None:
            return ""
        return f"{self.search[0]:g} to {self.search[1]:g}{', log' if self.scale == 'log' else ''}"


def settings_of(model: type[BaseModel]) -> Iterator[Setting]:
    """Yield the declared parameters of a model in their order."""
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        search: Any = extra.get("search")
        scale: Any = extra.get("scale", "linear")
        yield Setting(
            name=name,
            default=info.default,
            description=info.description or "",
            unit=str(extra.get("unit", "")),
            bounds=_bounds(info),
            search=(float(search[0]), float(search[1])) if search else None,
            scale=scale,
            source=str(extra.get("source", "")),
            annotation=info.annotation,
        )


def _bounds(info: FieldInfo) -> str:
    """Return the bounds as people write them: `> 0, <= 86400`."""
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    found = [
        f"{sign} {getattr(each, name):g}"
        for each in info.metadata
        for name, sign in signs.items()
        if hasattr(each, name)
    ]
    lengths = {"min_length": "at least", "max_length": "at most"}
    found += [
        f"{word} {getattr(each, name)} items"
        for each in info.metadata
        for name, word in lengths.items()
        if hasattr(each, name)
    ]
    return ", ".join(found)
