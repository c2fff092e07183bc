"""The registry by MLflow's REST API alone: all that moving a champion needs. Importing MLflow takes seconds.

Every request may be repeated: what it sets is the same afterwards, so one whose line breaks is sent again.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx

from analytics.registry.locks import exclusive, lock_folder
from analytics.registry.names import FILE, model_name
from strategy.errors import BadInput, Failed
from strategy.policies.document import ParameterDocument, parse_document

ANSWER_S: Final = 30.0
TRIES: Final = 3
_API: Final = "/api/2.0/mlflow"


class RestRegistry:
    """What `move_champion` needs of the registry on an MLflow server, `http://host:port`."""

    def __init__(self, address: str, auth: tuple[str, str] | None = None, lock_dir: Path | None = None) -> None:
        """Note where the server is; `lock_dir` is where processes that move aliases exclude each other."""
        self._address = address
        self._lock_dir = lock_dir or lock_folder(address)
        each = httpx.HTTPTransport(retries=TRIES, limits=httpx.Limits(max_keepalive_connections=0))  # nothing to close
        self._client = httpx.Client(base_url=address, auth=auth, timeout=ANSWER_S, trust_env=False, transport=each)

    def exclusive(self, venue: str, symbol: str) -> AbstractContextManager[None]:
        """Keep every other process that uses this registry from moving the symbol's aliases."""
        return exclusive(self._lock_dir, venue, symbol)

    def aliases(self, venue: str, symbol: str) -> dict[str, int]:
        """Return version by alias; empty while nothing is registered."""
        name = model_name(venue, symbol)
        found = self._asked(f"reading {name}", "GET", "/registered-models/get", {"name": name}, missing=True)
        if found is None:
            return {}
        # the server writes a version as a number or as text
        return {each["alias"]: int(each["version"]) for each in found["registered_model"].get("aliases", [])}

    def document(self, venue: str, symbol: str, version: int) -> ParameterDocument:
        """Return one version's document; an unknown version is bad input."""
        name = model_name(venue, symbol)
        what, wanted = f"reading {name} version {version}", {"name": name, "version": str(version)}
        found = self._asked(what, "GET", "/model-versions/get", wanted, missing=True)
        if found is None:
            raise BadInput(f"{venue} {symbol} has no version {version}")
        model = found["model_version"]["source"].removeprefix("models:/")
        folder = urlsplit(self._asked(what, "GET", f"/logged-models/{model}", {})["model"]["info"]["artifact_uri"])
        if folder.scheme not in ("", "file"):
            from analytics.registry.registry import Registry  # MLflow itself, which knows every store

            return Registry(self._address, self._lock_dir).document(venue, symbol, version)
        try:
            text = (Path(unquote(folder.path)) / FILE).read_bytes()
        except OSError as error:
            raise Failed(f"MLflow, {what}: {error}") from error
        return parse_document(text, f"{name} version {version}").model_copy(update={"version": version})

    def point(self, venue: str, symbol: str, alias: str, version: int | None) -> None:
        """Point an alias at a version, or remove it."""
        name, method = model_name(venue, symbol), "DELETE" if version is None else "POST"
        fields = {"name": name, "alias": alias} | ({} if version is None else {"version": str(version)})
        self._asked(f"moving {alias} of {name}", method, "/registered-models/alias", fields)

    def tag(self, venue: str, symbol: str, version: int, tags: dict[str, str]) -> None:
        """Set tags of a version."""
        name = model_name(venue, symbol)
        for key, value in tags.items():
            fields = {"name": name, "version": str(version), "key": key, "value": value}
            self._asked(f"tagging {name} version {version}", "POST", "/model-versions/set-tag", fields)

    def _asked(self, what: str, method: str, path: str, fields: dict[str, str], missing: bool = False) -> Any:
        """Return what the server answers, None where `missing` is fine and the thing is."""
        told: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
        for left in reversed(range(TRIES)):
            try:
                reply = self._client.request(method, _API + path, **told)
                break
            except httpx.TransportError as error:
                if left == 0 or isinstance(error, httpx.TimeoutException):
                    raise Failed(f"MLflow at {self._address}, {what}: {error!r}") from error
        if missing and reply.status_code == httpx.codes.NOT_FOUND:
            return None
        if reply.is_error:
            raise Failed(f"MLflow at {self._address}, {what}: {reply.status_code} {_said(reply)}")
        return reply.json()


def _said(reply: httpx.Response) -> str:
    """Return what the server said of an error, a line."""
    try:
        return str(reply.json()["message"]).splitlines()[0]
    except (ValueError, KeyError, TypeError, IndexError):
        return reply.reason_phrase
