"""Where a venue is and who we are there; the command line and the environment of a child process carry it on."""

import os
from collections.abc import Mapping
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from strategy.errors import BadInput
from strategy.policies.parameters import one_line

# Secrets pass between processes in the environment alone: an argument list is world readable.
KEY_VARIABLE: Final = "MICROVOL_VENUE_API_KEY"
SECRET_VARIABLE: Final = "MICROVOL_VENUE_SECRET"


PAPER_LIVE: Final = "paper-live"  # a real venue's market data, orders matched in our own process


class VenueConfig(BaseModel):
    """One symbol at one venue.

    With `rest_url`, `stream_url` and `ws_api_url` every request goes there and nowhere else. Without them `testnet` is
    Binance's own test network and any other name is Binance itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    symbol: str = Field(pattern=r"^[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?$")
    rest_url: str | None = Field(None, pattern=r"^https?://[^/]+$", description="without path: http://127.0.0.1:8780")
    stream_url: str | None = Field(None, pattern=r"^wss?://.*/stream$")
    ws_api_url: str | None = Field(None, pattern=r"^wss?://.*/ws-api/v3$")
    api_key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _all_or_no_urls(self) -> Self:
        given = [url is not None for url in (self.rest_url, self.stream_url, self.ws_api_url)]
        if any(given) and not all(given):
            raise ValueError("rest_url, stream_url and ws_api_url go together: one of them is missing")
        return self

    @property
    def is_simulated(self) -> bool:
        """Say whether orders are matched in the quoting process: none rests anywhere once it is gone."""
        return self.name == PAPER_LIVE

    @property
    def is_futures(self) -> bool:
        """Say whether the symbol is a USDT-M perpetual: `BTC/USDT:USDT`."""
        return ":" in self.symbol

    @property
    def assets(self) -> tuple[str, str]:
        """Return what is bought and sold, and what it is paid in."""
        base, quote = self.symbol.partition(":")[0].split("/")
        return base, quote

    @property
    def market_id(self) -> str:
        """Return the venue's own word for the symbol: `BTC/USDT` -> `BTCUSDT`."""
        return "".join(self.assets)

    def arguments(self) -> list[str]:
        """Return the command-line options that name this venue to a child process; no secret is among them."""
        options = {
            "--venue": self.name,
            "--symbol": self.symbol,
            "--rest-url": self.rest_url,
            "--stream-url": self.stream_url,
            "--ws-api-url": self.ws_api_url,
        }
        return [part for option, value in options.items() if value is not None for part in (option, value)]

    def environment(self) -> dict[str, str]:
        """Return the variables that hand the secrets to a child process."""
        return {KEY_VARIABLE: self.api_key.get_secret_value(), SECRET_VARIABLE: self.secret.get_secret_value()}


def venue_config(fields: Mapping[str, str | None]) -> VenueConfig:
    """Build the configuration of a child process from its options and the environment."""
    try:
        return VenueConfig.model_validate(
            {
                **fields,
                "api_key": os.environ.get(KEY_VARIABLE, ""),
                "secret": os.environ.get(SECRET_VARIABLE, ""),
            }
        )
    except ValidationError as error:
        raise BadInput(f"venue: {one_line(error)}") from None


def paper_venue(url: str, symbol: str, name: str = "paper") -> VenueConfig:
    """Return the configuration of a local paper venue at `http://HOST:PORT`, with its default credentials."""
    streams = url.replace("http", "ws", 1)
    return VenueConfig(
        name=name,
        symbol=symbol,
        rest_url=url,
        stream_url=f"{streams}/stream",
        ws_api_url=f"{streams}/ws-api/v3",
        api_key=SecretStr("paper"),
        secret=SecretStr("paper-secret"),
    )
