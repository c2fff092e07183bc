"""Passwords in connection strings, libpq's `password=…` and addresses' `://user:…@`: found, and hidden from people."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from strategy.errors import BadInput

_KEYWORD: Final = re.compile(r"(password\s*=\s*)('(?:\\.|[^'\\])*'|[^\s&\"]+)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(://[^\s/:@]*:)([^\s/@]+)(?=@)")
_HIDDEN: Final = "***"


def refuse_passwords(written: Mapping[str, Any], file: str) -> None:
    """Refuse a settings file in which an entry, or one of its tables' entries, carries a password."""
    for name, value in written.items():
        if isinstance(value, Mapping):
            refuse_passwords(value, file)
        elif isinstance(value, str) and any(pattern.search(value) for pattern in (_KEYWORD, _ADDRESS)):
            raise BadInput(f"settings: {name} in {file} carries a password; secrets come from the environment alone")


def without_passwords(text: str, connection: str = "") -> str:
    """Hide the passwords in a text, and everywhere in it those of a connection string."""
    for pattern in (_KEYWORD, _ADDRESS):
        for written in (found[2] for found in pattern.finditer(connection)):
            for secret in filter(None, (written, _meant(written))):
                text = text.replace(secret, _HIDDEN)
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text


def _meant(written: str) -> str:
    """Return a password without the quoting of connection strings and addresses."""
    return unquote(re.sub(r"\\(.)", r"\1", written.removeprefix("'").removesuffix("'")))
