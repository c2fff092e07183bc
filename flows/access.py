"""Who may reach the servers: without a password they listen on loopback alone.

The one user and password of both servers come from `MICROVOL_AUTH=user:password`, in the environment and nowhere else.
"""

import ipaddress
import os
from typing import Final

from strategy.errors import BadInput

VARIABLE: Final = "MICROVOL_AUTH"
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = ("0.0.0.0", "::")
SHORTEST: Final = 12


def basic_auth() -> tuple[str, str] | None:
    """Return user and password, None without them; BadInput when they could not keep anybody out."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        return None
    user, colon, password = given.partition(":")
    if not (colon and user) or len(password) < SHORTEST:
        raise BadInput(f"{VARIABLE} is not user:password with a password of {SHORTEST} characters or more")
    return user, password


def is_loopback(host: str) -> bool:
    """Say whether an address is reached from this machine alone; a name counts only if it is localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_host(host: str) -> None:
    """Refuse an address that is neither loopback's nor, with a password, every one: our own clients use loopback."""
    if is_loopback(host):
        return
    if host not in EVERYWHERE:
        raise BadInput(f"--host was {host}: it is a loopback address or {' or '.join(EVERYWHERE)}")
    if basic_auth() is None:
        raise BadInput(f"--host was {host}: beyond loopback set {VARIABLE}=user:password first")


def client_env() -> dict[str, str]:
    """Return what clients of both servers need to be let in; nothing without a password."""
    auth = basic_auth()
    if auth is None:
        return {}
    user, password = auth
    return {
        VARIABLE: f"{user}:{password}",
        "PREFECT_API_AUTH_STRING": f"{user}:{password}",
        "MLFLOW_TRACKING_USERNAME": user,
        "MLFLOW_TRACKING_PASSWORD": password,
    }
