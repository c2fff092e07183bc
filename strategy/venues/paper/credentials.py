"""The credentials of real venues in an environment: where there are any, nothing opens that has no lock."""

import re
from collections.abc import Mapping
from typing import Final

from strategy.errors import BadInput
from strategy.venues.paper.config import PaperConfig

NAME: Final = re.compile(r"^MICROVOL_.+_(API_KEY|API_SECRET|SECRET)$")


def refuse_admin_beside_credentials(config: PaperConfig, environment: Mapping[str, str]) -> None:
    """Raise BadInput when an admin endpoint is asked for where the environment holds a real venue's credentials."""
    own = {"", config.api_key, config.secret.get_secret_value()}
    real = sorted(name for name, value in environment.items() if NAME.match(name) and value not in own)
    if config.admin_port is not None and real:
        raise BadInput(
            f"paper venue: admin_port was {config.admin_port} while {real[0]} holds credentials: "
            "there is no admin endpoint beside those of a real venue"
        )
