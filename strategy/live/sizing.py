"""How large a version may quote: a factor on its orders that is no part of the version itself.

`size.json` in the live folder says `{"VERSION": FACTOR}` for versions on trial; every other one quotes in full.
The factor is journalled with the document, so that a replay of the journal decides the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from strategy.errors import BadParameters
from strategy.policies.document import ParameterDocument, write_atomically
from strategy.policies.parameters import ParameterSet

SIZE_FILE: Final = "size.json"
_FACTORS: Final = TypeAdapter(dict[int, float])


class SizedDocument(ParameterDocument):
    """A version as it is quoted. The factor stays out of the content hash: what is registered is the version."""

    size_factor: float = Field(1.0, gt=0, le=1, exclude=True)


def at_size(document: ParameterDocument, factor: float) -> ParameterDocument:
    """Return a document that quotes as large as told; in full it is the document itself."""
    if not 0 < factor <= 1:
        raise BadParameters(f"size factor of version {document.version} was {factor}, it must be over 0 and at most 1")
    if factor == 1.0:
        return document
    fields = {name: getattr(document, name) for name in ParameterDocument.model_fields}
    return SizedDocument(**fields, size_factor=factor)


def size_factor(document: ParameterDocument) -> float:
    """Return what a document's orders are multiplied by."""
    return document.size_factor if isinstance(document, SizedDocument) else 1.0


def sized(parameters: ParameterSet, factor: float) -> ParameterSet:
    """Return parameters whose orders are smaller by a factor; nothing else about them changes."""
    if factor == 1.0:
        return parameters
    quoting = parameters.quoting.model_copy(update={"order_qty": parameters.quoting.order_qty * factor})
    return parameters.model_copy(update={"quoting": quoting})


def quoted(document: ParameterDocument) -> ParameterSet:
    """Return the parameters that a document's strategy runs with."""
    return sized(document.parameters, size_factor(document))


def read_sizes(folder: Path) -> dict[int, float]:
    """Return the factor of each version on trial; BadParameters when the file says something else."""
    path = folder / SIZE_FILE
    try:
        factors = _FACTORS.validate_python(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise BadParameters(f"{path} is not a table of size factors: {error}") from error
    for version, factor in factors.items():
        if not 0 < factor <= 1:
            raise BadParameters(f"{path}: factor of version {version} was {factor}, it must be over 0 and at most 1")
    return factors


def write_sizes(folder: Path, factors: Mapping[int, float]) -> None:
    """Say which versions are on trial, and how large each of them may quote."""
    content = {str(version): factor for version, factor in sorted(factors.items())}
    write_atomically(folder / SIZE_FILE, orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))
