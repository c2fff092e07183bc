"""How each server of the platform is run: command line and environment, the same by hand, by systemd and by compose.

Facts behind the environment: with the default lease storage a restart of the server kills a live flow 223 s later; two
processes that meet on a fresh MLflow database leave it broken, so it is upgraded once before; MLflow's job execution
costs two gigabytes and is not used; a worker asks every two seconds, so that a rollback from the page does not wait
for it; passwords are checked by a slow hash, whose answer MLflow keeps for a while; no telemetry leaves the machine.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Final

from flows import access
from flows.settings import ROOT, Settings

POOL: Final = "microvol"
SERVICES: Final = ("prefect", "mlflow", "worker")
_AUTH_FILE: Final = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{database}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 300
"""


def quiet_env() -> dict[str, str]:
    """Return the variables that keep every library from calling home."""
    return {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


def client_env(settings: Settings) -> dict[str, str]:
    """Return the environment of every process that talks to Prefect, MLflow or reads our settings."""
    return (
        quiet_env()
        | access.client_env()
        | {
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_API_URL": settings.prefect_url,
            "PREFECT_LOGGING_EXTRA_LOGGERS": "microvol",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
            "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "MICROVOL_HOME": str(settings.home),
            "MICROVOL_ROOT": str(ROOT),
            "MICROVOL_VENUE": settings.venue,
            "MICROVOL_SYMBOL": settings.symbol,
            **{f"MICROVOL_PORTS__{name.upper()}": str(port) for name, port in settings.ports},
            **{f"MICROVOL_SCHEDULE__{name.upper()}": value for name, value in settings.schedule},
        }
    )


def prefect_env(settings: Settings, host: str) -> dict[str, str]:
    """Return the environment of the Prefect server; another database than SQLite's is told by Prefect's own name."""
    own = "PREFECT_API_DATABASE_CONNECTION_URL"
    database = f"sqlite+aiosqlite:///{settings.home / 'prefect' / 'prefect.db'}"
    auth = access.basic_auth()
    return (
        client_env(settings)
        | {
            own: os.environ.get(own) or database,
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_UI_API_URL": settings.prefect_url if access.is_loopback(host) else "/api",
        }
        | ({"PREFECT_SERVER_API_AUTH_STRING": ":".join(auth)} if auth else {})
    )


def prefect_command(settings: Settings, host: str) -> list[str]:
    """Return the command line of the Prefect server."""
    listen = ["--host", host, "--port", str(settings.ports.prefect)]
    return [sys.executable, "-m", "prefect", "server", "start", *listen]


def mlflow_env(settings: Settings) -> dict[str, str]:
    """Return the environment of the MLflow server."""
    plain = quiet_env() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    auth = access.basic_auth()
    if auth is None:
        return plain
    return plain | {
        "MLFLOW_AUTH_CONFIG_PATH": str(_auth_file(settings)),
        "MLFLOW_AUTH_ADMIN_USERNAME": auth[0],
        "MLFLOW_AUTH_ADMIN_PASSWORD": auth[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
    }


def mlflow_command(settings: Settings, host: str) -> list[str]:
    """Return the command line of the MLflow server; artifacts are files, readable without the server too."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(settings.ports.mlflow)]
    command += ["--backend-store-uri", settings.mlflow_store, "--workers", "1", "--no-serve-artifacts"]
    command += ["--default-artifact-root", (settings.home / "mlflow" / "artifacts").as_uri()]
    command += ["--app-name", "basic-auth"] if access.basic_auth() else []
    return command + ([] if access.is_loopback(host) else ["--allowed-hosts", "*"])


def worker_command() -> list[str]:
    """Return the command line of a worker on the pool."""
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]


def server(settings: Settings, name: str, host: str) -> tuple[list[str], dict[str, str]]:
    """Return command line and environment of a service by its name."""
    if name == "prefect":
        return prefect_command(settings, host), prefect_env(settings, host)
    if name == "mlflow":
        return mlflow_command(settings, host), mlflow_env(settings)
    return worker_command(), client_env(settings)


def _auth_file(settings: Settings) -> Path:
    """Write MLflow's settings of its users: they are begun anew at every start, so that the password is today's."""
    folder = settings.home / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "users.db"
    database.unlink(missing_ok=True)
    path = folder / "auth.ini"
    for private in (database, path):
        private.touch(0o600)
    path.write_text(_AUTH_FILE.format(database=database))
    return path
