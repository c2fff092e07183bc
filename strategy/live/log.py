"""Key-value logs on stderr."""

import logging
import sys
from contextlib import suppress

import structlog


class _Stderr:
    """Standard error, whatever it is when a line is written; a line that it does not take is lost.

    On a full disk the log is full as well, and what it tells of, such as orders to cancel, has to go on.
    """

    def write(self, text: str) -> None:
        """Write, or lose it."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or lose it."""
        with suppress(OSError):
            sys.stderr.flush()


def configure_logging() -> None:
    """Send structlog's lines to stderr as `time level event key=value …`; to be called once by a process's main."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]  # all that it uses of a file
        cache_logger_on_first_use=True,
    )
