"""`python -m strategy.venues.paper`: the paper venue alone, in the foreground."""

import argparse
import os
import sys

from pydantic import ValidationError

from strategy.errors import BadInput, MicrovolError
from strategy.policies.parameters import one_line
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.credentials import refuse_admin_beside_credentials
from strategy.venues.paper.server import serve

OPTIONS = (
    "port",
    "admin-port",
    "symbol",
    "seed",
    "base",
    "quote",
    "maker-fee-bps",
    "taker-fee-bps",
    "start-price",
    "regime",
    "speed",
    "tick-size",
    "lot-size",
    "min-notional",
    "clock-skew-ms",
    "frame-log",
    "may-withdraw",
)


def configuration(arguments: list[str]) -> PaperConfig:
    """Read the command line; raises BadInput naming the option and its value."""
    parser = argparse.ArgumentParser(prog="python -m strategy.venues.paper", description=__doc__)
    for option in OPTIONS:
        parser.add_argument(f"--{option}", default=argparse.SUPPRESS)
    parser.add_argument("--tape", nargs="+", default=argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))
    try:
        return PaperConfig.model_validate(given)
    except ValidationError as error:
        raise BadInput(f"paper venue: {one_line(error)}") from None


def _say_ready(url: str, admin_url: str | None) -> None:
    print(f"paper venue on {url}", flush=True)  # noqa: T201 (the ready line)
    if admin_url is not None:
        print(f"paper venue admin on {admin_url}", flush=True)  # noqa: T201 (the second one)


def main(arguments: list[str]) -> int:
    """Serve until a signal and return the exit code."""
    try:
        config = configuration(arguments)
        refuse_admin_beside_credentials(config, os.environ)
        serve(config, _say_ready)
    except MicrovolError as error:
        print(error, file=sys.stderr)  # noqa: T201 (one line for a person)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
