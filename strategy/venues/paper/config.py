"""What a paper venue is made of; every field has a default that makes a sensible market."""

from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from strategy.venues.paper.grid import Grid

YEAR_MS: Final = 366 * 86_400_000  # farther off no clock is set
RegimeChoice = Literal["switching", "calm", "busy", "stressed"]


class PaperConfig(BaseModel):
    """One symbol, one account, one seed. Sizes and balances are exact decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    port: int = Field(0, ge=0, le=65_535, description="0 picks a free one")
    admin_port: int | None = Field(None, ge=0, le=65_535, description="of the admin endpoint; without it there is none")
    symbol: str = Field("BTC/FDUSD", pattern=r"^[A-Z0-9]{2,10}/[A-Z0-9]{2,10}(:[A-Z0-9]{2,10})?$")
    seed: int = Field(1, ge=0)
    start_price: Decimal = Field(Decimal(60_000), gt=0)
    regime: RegimeChoice = Field("switching", description="one regime for the whole session, or switching")
    base: Decimal = Field(Decimal("0.05"), ge=0, description="free base at the start")
    quote: Decimal = Field(Decimal(5_000), ge=0, description="free quote at the start")
    maker_fee_bps: Decimal = Field(Decimal(0), ge=0, le=100)
    taker_fee_bps: Decimal = Field(Decimal(0), ge=0, le=100)
    tick_size: str = "0.01"
    lot_size: str = "0.00001"
    min_notional: str = "5"
    max_open_orders: int = Field(200, ge=1)
    api_key: str = "paper"
    secret: SecretStr = SecretStr("paper-secret")
    may_withdraw: bool = Field(False, description="whether the key is told to be allowed to withdraw")
    speed: float = Field(1.0, gt=0, le=50, description="market seconds per wall-clock second")
    weight_per_minute: int = Field(6_000, ge=1)
    orders_per_10s: int = Field(300, ge=1)
    orders_per_day: int = Field(200_000, ge=1)
    book_ticker_in_history: bool = False
    clock_skew_ms: int = Field(0, ge=-YEAR_MS, le=YEAR_MS, description="the venue's clock minus this machine's")
    tape: tuple[Path, ...] = Field((), description="files or folders of a recording that stands in for the crowd")
    frame_log: Path | None = Field(None, description="a file for every public frame, received or not")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        Grid.of(self.tick_size, self.lot_size)
        settled_in = self.symbol.partition(":")[2]
        if settled_in not in ("", self.quote_asset):
            raise ValueError(f"symbol was {self.symbol}, futures here are settled in {self.quote_asset}")
        return self

    @property
    def is_futures(self) -> bool:
        """Say whether the symbol is a perpetual with positions: `BTC/USDT:USDT`."""
        return ":" in self.symbol

    @property
    def base_asset(self) -> str:
        """Return the asset that is bought and sold."""
        return self.symbol.split("/")[0]

    @property
    def quote_asset(self) -> str:
        """Return the asset that prices are stated in."""
        return self.symbol.partition(":")[0].split("/")[1]

    @property
    def venue_symbol(self) -> str:
        """Return the symbol as the venue writes it: `BTCFDUSD`."""
        return self.symbol.partition(":")[0].replace("/", "")
