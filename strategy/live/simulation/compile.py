"""Compile what a shadow runs on, at low priority: `python -m strategy.live.simulation.compile FILE`."""

import os
import sys
from pathlib import Path

from strategy.errors import MicrovolError
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.shadow import compile_shadow
from strategy.policies.document import read_document


def main() -> int:
    """Compile for the parameter file that is named; the code stays in the cache."""
    os.nice(10)
    try:
        compile_shadow(read_document(Path(sys.argv[1])), Assumptions())
    except MicrovolError as error:
        sys.stderr.write(f"microvol: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
