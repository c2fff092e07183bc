"""Versions of parameters in MLflow's registry, and the one way by which a version becomes champion."""

from base64 import b64encode
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import mlflow
import polars as pl
from mlflow.exceptions import MlflowException

from analytics.registry.entries import parameter_list
from analytics.registry.locks import exclusive, lock_folder
from analytics.registry.names import FILE, model_name
from analytics.registry.promotion import CHALLENGER, CHAMPION, Acknowledge, Audit, Move, Promotion, move_champion
from analytics.registry.tracking import MISSING, experiment_id, open_client, reason, translated
from analytics.registry.versions import create_version
from strategy.errors import BadInput, Failed
from strategy.policies.document import ParameterDocument, parse_document

RECIPE: Final = "recipe.json"

VERSION_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "version": pl.Int64,
    "aliases": pl.String,
    "created": pl.Datetime("ms", "UTC"),
    "run_id": pl.String,
    "gates": pl.String,
    "edge_bps": pl.Float64,
    "content_hash": pl.String,
    "description": pl.String,
    "moved": pl.String,
    "at": pl.String,
    "who": pl.String,
    "why": pl.String,
    "override": pl.String,
}


class Registry:
    """The registry on one tracking URI: `sqlite:////absolute/mlflow.db` or an MLflow server."""

    def __init__(self, tracking_uri: str, lock_dir: Path | None = None) -> None:
        """Open the store; `lock_dir` is where processes that move aliases exclude each other."""
        self.tracking_uri = tracking_uri
        self.client = open_client(tracking_uri)
        self._lock_dir = lock_dir or lock_folder(tracking_uri)
        self._documents: dict[tuple[str, int], ParameterDocument] = {}

    def experiment(self, venue: str, symbol: str) -> str:
        """Return the id of the experiment of a venue and symbol, created when missing."""
        with translated(self.tracking_uri):
            return experiment_id(self.client, self.tracking_uri, model_name(venue, symbol))

    def register(
        self,
        document: ParameterDocument,
        run_id: str | None,
        description: str,
        tags: dict[str, str],
        recipe: bytes | None = None,
    ) -> ParameterDocument:
        """Register a document as the next version and as challenger; return it with its version number.

        The `recipe` (analytics.registry.recipe) is kept beside it.

        The number is the registry's, so the file is written twice: complete before the version exists, and once more
        with the number. A reader takes the number from the registry in both cases.
        """
        venue, symbol = document.instrument.venue, document.instrument.symbol
        name = model_name(venue, symbol)
        with translated(f"registering {name}"):
            self._ensure_model(name)
            experiment = self.experiment(venue, symbol)
            model = self.client.create_logged_model(
                experiment,
                name="parameters",
                source_run_id=run_id,
                params={each.key: each.value for each in parameter_list("", document.parameters)},
                model_type="microvol-parameters",
            )
            self._upload(model.model_id, FILE, document.to_json())
            if recipe is not None:
                self._upload(model.model_id, RECIPE, recipe)
            self.client.finalize_logged_model(model.model_id, "READY")
            every = {"content_hash": document.content_hash, "kernel_digest": document.kernel_digest} | tags
            fields = {"run_id": run_id, "tags": every, "description": description}
            number = create_version(self.client, name, model.model_id, **fields)
            numbered = document.model_copy(update={"version": number})
            self._upload(model.model_id, FILE, numbered.to_json())
            self.client.set_logged_model_tags(model.model_id, {"version": str(numbered.version)} | every)
            self.client.set_registered_model_alias(name, CHALLENGER, str(numbered.version))
        return numbered

    def document(self, venue: str, symbol: str, version: int) -> ParameterDocument:
        """Return one version's document; an unknown version is bad input. Versions never change: kept once read."""
        name = model_name(venue, symbol)
        if (name, version) not in self._documents:
            with translated(f"reading {name} version {version}"):
                model = self.client.get_logged_model(self.model_id(venue, symbol, version))
                text = mlflow.artifacts.load_text(f"{model.artifact_location}/{FILE}")
            document = parse_document(text.encode(), f"{name} version {version}")
            self._documents[name, version] = document.model_copy(update={"version": version})
        return self._documents[name, version]

    def recipe(self, venue: str, symbol: str, version: int) -> str | None:
        """Return how a version was computed, None when it was registered without."""
        with translated(f"reading {model_name(venue, symbol)} version {version}"):
            model = self.client.get_logged_model(self.model_id(venue, symbol, version))
            held = self.client.list_logged_model_artifacts(model.model_id)
            if RECIPE not in [file.path for file in held]:
                return None
            return str(mlflow.artifacts.load_text(f"{model.artifact_location}/{RECIPE}"))

    def description(self, venue: str, symbol: str, version: int) -> str:
        """Return the text on a version's page, Markdown."""
        name = model_name(venue, symbol)
        with translated(f"reading {name} version {version}"):
            return str(self.client.get_model_version(name, str(version)).description or "")

    def plots(self, venue: str, symbol: str, version: int) -> list[tuple[str, str]]:
        """Return name and `data:` address of each plot of the study that a version comes from; none without a run."""
        name = model_name(venue, symbol)
        with translated(f"reading the plots of {name} version {version}"):
            run_id = self.client.get_model_version(name, str(version)).run_id
            if not run_id:
                return []
            with TemporaryDirectory() as folder:
                held = [file.path for file in self.client.list_artifacts(run_id, "plots")]
                paths = [Path(self.client.download_artifacts(run_id, path, folder)) for path in held]
                return [(path.stem, _address(path)) for path in sorted(paths)]

    def model_id(self, venue: str, symbol: str, version: int) -> str:
        """Return the id of the LoggedModel behind a version: metrics logged with it stand on the version's page."""
        name = model_name(venue, symbol)
        try:
            found = self.client.get_model_version(name, str(version))
        except MlflowException as error:
            if error.error_code != MISSING:
                raise Failed(f"MLflow, reading {name} version {version}: {reason(error)}") from error
            raise BadInput(f"{venue} {symbol} has no version {version}") from error
        return str(found.source).removeprefix("models:/")

    def aliases(self, venue: str, symbol: str) -> dict[str, int]:
        """Return version by alias; empty while nothing is registered."""
        name = model_name(venue, symbol)
        try:
            model = self.client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == MISSING:
                return {}
            raise Failed(f"MLflow, reading {name}: {reason(error)}") from error
        return {alias: int(version) for alias, version in model.aliases.items()}

    def champion(self, venue: str, symbol: str) -> ParameterDocument | None:
        """Return the champion's document, None while there is none."""
        version = self.aliases(venue, symbol).get(CHAMPION)
        return None if version is None else self.document(venue, symbol, version)

    def versions(self, venue: str, symbol: str) -> pl.DataFrame:
        """Return every version, newest first, with aliases, gates, edge and its last move."""
        name = model_name(venue, symbol)
        by_version: dict[int, list[str]] = {}
        for alias, version in self.aliases(venue, symbol).items():
            by_version.setdefault(version, []).append(alias)
        with translated(f"reading {name}"):
            found = list(self.client.search_model_versions(f"name = '{name}'", max_results=10_000))
        rows = [_row(each, by_version.get(int(each.version), [])) for each in found]
        return pl.DataFrame(rows, schema=VERSION_SCHEMA, orient="row").sort("version", descending=True)

    def promote(
        self,
        venue: str,
        symbol: str,
        version: int | None,
        *,
        reason: str,
        who: str | None = None,
        acknowledge: Acknowledge,
        audit: Audit,
        override: str | None = None,
        require_all: bool = False,
    ) -> Promotion:
        """Make a version (default the challenger) champion; return only when `acknowledge` did.

        A gate that was not passed is in the way unless `override` says why it may be passed over. If `acknowledge`
        raises, the alias goes back and the error passes on. Safe to race, and to repeat.
        """
        move = Move(venue, symbol, "promote", reason, who, acknowledge, audit, override, require_all)
        return move_champion(self, move, version)

    def rollback(
        self,
        venue: str,
        symbol: str,
        version: int | None = None,
        *,
        reason: str,
        who: str | None = None,
        acknowledge: Acknowledge,
        audit: Audit,
    ) -> Promotion:
        """Make the previous champion (or `version`) champion again, in the same way as `promote`."""
        return move_champion(self, Move(venue, symbol, "rollback", reason, who, acknowledge, audit), version)

    def exclusive(self, venue: str, symbol: str) -> AbstractContextManager[None]:
        """Keep every other process that uses this registry from moving the symbol's aliases."""
        return exclusive(self._lock_dir, venue, symbol)

    def point(self, venue: str, symbol: str, alias: str, version: int | None) -> None:
        """Point an alias at a version, or remove it."""
        name = model_name(venue, symbol)
        with translated(f"moving {alias} of {name}"):
            if version is None:
                self.client.delete_registered_model_alias(name, alias)
            else:
                self.client.set_registered_model_alias(name, alias, str(version))

    def tag(self, venue: str, symbol: str, version: int, tags: dict[str, str]) -> None:
        """Set tags of a version."""
        name = model_name(venue, symbol)
        with translated(f"tagging {name} version {version}"):
            for key, value in tags.items():
                self.client.set_model_version_tag(name, str(version), key, value)

    def describe(self, document: ParameterDocument, text: str) -> None:
        """Put a text, Markdown, on a version's page."""
        name = model_name(document.instrument.venue, document.instrument.symbol)
        with translated(f"describing {name} version {document.version}"):
            self.client.update_model_version(name, str(document.version), text)

    def _ensure_model(self, name: str) -> None:
        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _upload(self, model_id: str, name: str, content: bytes) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            self.client.log_model_artifact(model_id, str(path))


def _address(path: Path) -> str:
    return f"data:image/{path.suffix[1:]};base64,{b64encode(path.read_bytes()).decode()}"


def _row(found: Any, aliases: list[str]) -> tuple[Any, ...]:
    tags = found.tags
    edge = tags.get("edge_bps")
    return (
        int(found.version),
        ", ".join(sorted(aliases)),
        int(found.creation_timestamp),
        found.run_id or None,
        tags.get("gates"),
        None if edge is None else float(edge),
        tags.get("content_hash"),
        next(iter((found.description or "").splitlines()), ""),
        tags.get("moved"),
        tags.get("moved_at"),
        tags.get("moved_by"),
        tags.get("moved_why"),
        tags.get("moved_override") or None,
    )
