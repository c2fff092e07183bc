"""Run the blocks of a page in their order: `python -m tests.unit.recipe_runner PAGE`; print what each name came to."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from flows.cli import run

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_blocks(page: Path) -> dict[str, Any]:
    """Return the names that the page's Python blocks leave behind."""
    names: dict[str, Any] = {}
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "python":
            exec(compile(text, str(page), "exec"), names)
            continue
        for command in text.splitlines():
            program, *arguments = shlex.split(command)
            if program != "microvol" or run(arguments) != 0:
                raise SystemExit(f"failed: {command}")
    return names


if __name__ == "__main__":
    left = run_blocks(Path(sys.argv[1]))
    sizes = {name: len(each) for name, each in left.items() if isinstance(each, pl.DataFrame | np.ndarray)}
    sys.stderr.write(orjson.dumps(sizes).decode() + "\n")
