"""The one error tree.

MicrovolError
├── BadInput            a person or a file said something wrong           exit 2
│   ├── BadParameters   a parameter set or document
│   └── BadData         market data: not JSON, truncated, off the tick
├── VenueError          the venue refused or cannot be reached             exit 1
│   ├── OrderRejected   final: the order never rested
│   └── OutcomeUnknown  a time-out or a lost connection: may have happened
└── Failed              the work could not be finished                     exit 1
    └── NoSpace         the disk is (nearly) full                          exit 3 of the capture process
"""


class MicrovolError(Exception):
    """Base of every error that microvol raises on purpose; its text is one line for a person."""

    exit_code = 1


class BadInput(MicrovolError):
    """A person or a file said something wrong."""

    exit_code = 2


class BadParameters(BadInput):
    """A parameter set or document is wrong: names field, value and bound."""


class BadData(BadInput):
    """Market data is wrong: names file, line and reason."""


class VenueError(MicrovolError):
    """The venue refused or cannot be reached."""


class OrderRejected(VenueError):
    """The order never rested, for sure."""

    def __init__(self, message: str, code: int) -> None:
        """Keep one of the kernel's reject codes beside the text."""
        super().__init__(message)
        self.code = code


class OutcomeUnknown(VenueError):
    """The request may or may not have been carried out; ask before doing anything else."""


class Failed(MicrovolError):
    """The work could not be finished."""


class NoSpace(Failed):
    """The disk is full or nearly so; a supervisor does not try again, for that makes no room."""

    exit_code = 3
