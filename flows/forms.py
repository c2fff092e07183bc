"""What people fill in on a deployment's page: types whose bounds the form checks before anything runs."""

from typing import Annotated

from pydantic import Field

from flows.settings import SYMBOL_PATTERN

Reason = Annotated[str, Field(min_length=1, max_length=1_000)]
Who = Annotated[str, Field(min_length=1, max_length=100)]
Version = Annotated[int, Field(ge=1)]
Venue = Annotated[str, Field(pattern="^[a-z0-9_-]+$")]
Symbol = Annotated[str, Field(pattern=SYMBOL_PATTERN)]
Seconds = Annotated[float, Field(gt=0)]
Trials = Annotated[int, Field(ge=1, le=100_000)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
