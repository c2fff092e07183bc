"""Where a secret stands in files, plain or packed, in any of the forms in which requests and logs could carry it."""

import gzip
import io
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import polars as pl
import zstandard

# With characters that are written otherwise in an address, in a form and in base64.
KEY: Final = "mvLab+Key/7f3c9a=Qe51"
SECRET: Final = "mvLab+Secret/b80d?2e=Zx64"
_SIGNED: Final = b"signature="


def forms(secret: str) -> set[bytes]:
    """Return the ways in which a secret may be written; of base64 what does not depend on what stands around it."""
    raw = secret.encode()
    found = {raw, quote(secret, safe="").encode(), quote_plus(secret).encode(), raw.hex().encode(), raw[::-1]}
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            # the first characters depend on what stands before, the last three on what comes behind
            found.add(encode(b"\0" * before + raw)[(0, 2, 3)[before] : -4])
    return found


def leaks(folder: Path, secrets: Iterable[str] = (KEY, SECRET)) -> list[str]:
    """Return every file under a folder that holds one of the secrets or the signature of a request, and which."""
    wanted = {form for secret in secrets for form in forms(secret)} | {_SIGNED}
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = b"\0".join(readings(path))
            found += [f"{path}: {form.decode()}" for form in sorted(wanted) if form in content]
    return found


def readings(path: Path) -> Iterator[bytes]:
    """Yield a file as it lies there, and unpacked where it is packed."""
    data = path.read_bytes()
    yield data
    match path.suffix:
        case ".zst":
            yield zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        case ".gz":
            yield gzip.decompress(data)
        case ".parquet":
            yield pl.read_parquet(path).write_json().encode()
