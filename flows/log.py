"""Key-value lines on standard error; inside a Prefect run they reach the run's log too."""

import logging
import sys
from typing import Final

LOGGER: Final = "microvol"


def say(event: str, **facts: object) -> None:
    """Log one event with its facts: `calibrated trials=100 version=2`."""
    words = [f"{name}={_quoted(value)}" for name, value in facts.items()]
    logger = logging.getLogger(LOGGER)
    if logger.level == logging.NOTSET:  # a run of the work pool, where no command has begun with `to_stderr`
        logger.setLevel(logging.INFO)
    logger.info("%s", " ".join([event, *words]))


def to_stderr() -> None:
    """Show our lines, and only ours, on standard error."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, _Stderr) for handler in logger.handlers):
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        logger.addHandler(handler)


class _Stderr(logging.Handler):
    """Write to whatever standard error is at the moment, so that tests and progress bars can redirect it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(self.format(record) + "\n")


def _quoted(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if " " in text or text == "" else text
