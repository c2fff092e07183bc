"""Everything a person may configure: `microvol.toml` and the environment (`MICROVOL_…`, `__` between levels).

The environment wins over the file, the file over the defaults. Secrets never stand in the file: the keys of a venue
come from `MICROVOL_<VENUE>_API_KEY` and `MICROVOL_<VENUE>_API_SECRET` alone.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from analytics.gates.canary import CanarySettings
from analytics.gates.thresholds import GateSettings
from analytics.lake.passwords import refuse_passwords
from analytics.report.drift_settings import DriftSettings
from analytics.study.search import SpaceSettings
from analytics.study.settings import StudyTable
from analytics.tape.line import read_line
from flows.steering import Alerts, PromotionTable, Schedule, Section
from strategy.errors import BadInput
from strategy.live.layout import Layout
from strategy.policies.fields import setting
from strategy.venues.settings import PAPER_LIVE

ROOT: Final = Path(__file__).resolve().parent.parent
SYMBOL_PATTERN: Final = r"^[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?$"


class Ports(Section):
    """Where the local servers listen, on loopback unless `--host` says otherwise."""

    prefect: int = Field(4200, gt=0, lt=65_536, description="of the Prefect server, its page and its API")
    mlflow: int = Field(5000, gt=0, lt=65_536, description="of the MLflow server")
    paper: int = Field(8780, gt=0, lt=65_536, description="of the paper venue")
    paper_admin: int = Field(
        8781, gt=0, lt=65_536, description="of its admin endpoint, which microvol venue --admin opens"
    )


class Venue(Section):
    """Addresses of one venue; a venue without `trading` is only ever recorded from."""

    rest_url: str | None = Field(None, description="REST, without the path")
    stream_url: str | None = Field(None, description="combined streams, the path /stream included")
    ws_api_url: str | None = Field(None, description="WS API, for the user stream")
    trading: bool = Field(True, description="orders may be sent there")


class Paper(Section):
    """The paper venue's market and account; what a new account of paper-live holds is said here too."""

    seed: int = Field(7, ge=0, description="of the order flow")
    start_price: float = setting(60_000.0, "around which the market begins", unit="quote", gt=0)
    base: float = setting(0.05, "in a new account", unit="base", ge=0)
    quote: float = setting(5_000.0, "in a new account", unit="quote", ge=0)
    maker_fee_bps: float = Field(0.0, ge=0, le=100, description="commission on what rested")


class Capture(Section):
    """Raw recording; docs/recording.md."""

    fsync_seconds: float = Field(1.0, gt=0, le=60, description="a frame counts as kept after this long at the latest")
    rotate_seconds: float = Field(900.0, gt=0, description="a new segment this often")
    rotate_mb: float = Field(64.0, gt=0, description="a new segment at this size")
    silence_seconds: float = Field(15.0, gt=0, description="no depth for so long: the connection is dead")
    clock_seconds: float = Field(300.0, gt=0, description="how often the venue's clock is compared with ours")
    min_free_mb: float = Field(512.0, ge=0, description="recording stops in order when less is free on the disk")
    ingest_seconds: float = Field(60.0, gt=0, description="how often `microvol record` takes in what it wrote")


class KeepDays(Section):
    """For how many whole days the lake keeps its large tables; 0 is for good."""

    depth: int = setting(0, "updates and snapshots, from the snapshot that the kept days go on from", unit="days", ge=0)
    trade: int = setting(0, "public trades", unit="days", ge=0)
    book_ticker: int = setting(0, "best prices as the venue told them", unit="days", ge=0)
    decision: int = setting(0, "what quoting decided, update by update", unit="days", ge=0)


class LakeCare(Section):
    """What the daily care of the lake keeps; see docs/lake.md."""

    snapshot_days: float = Field(7.0, ge=1, description="older ones go, but for those that a registered version names")
    file_days: int = Field(1, ge=1, description="whole days that a file lasts after the last snapshot needed it")
    keep_days: KeepDays = KeepDays()


class Calibrate(Section):
    """How large a study is, and from which set it starts."""

    trials: int = Field(100, ge=1, le=100_000, description="parameter sets that are tried")
    seed: int = Field(7, ge=0, description="of the sampler; the same one gives the same study")
    spread: str = Field("", description="spread policy of the base set; default its own")
    hours: float | None = Field(None, gt=0, description="only the newest hours of the tape; default all")
    search: SpaceSettings = SpaceSettings()


class Costs(Section):
    """What a replay assumes of venue and line."""

    maker_fee_bps: float = Field(0.0, ge=-100, le=100, description="commission on what rested; under 0 a rebate")
    taker_fee_bps: float = Field(0.0, ge=-100, le=100, description="commission on what took")
    entry_latency_ms: float = Field(10.0, ge=0, description="from the decision to the venue")
    response_latency_ms: float = Field(10.0, ge=0, description="from the venue back to us")
    latency: str = Field("", description="recorded[:DAY[..DAY]] or ENTRY_MS,RESPONSE_MS; empty = the two above")
    latency_seed: int = Field(7, ge=0, description="of the draws from recorded round trips")
    queue_model: Literal["risk_averse", "power", "log"] = Field("risk_averse", description="docs/fill-model.md")
    queue_exponent: float = Field(3.0, gt=0, description="of queue_model power")
    fill_model: str = Field(
        "none",
        pattern=r"^(none|latest|[1-9][0-9]*)$",
        description="latest, or the number of a fitted version, in place of queue and latencies",
    )
    base: float = setting(0.01, "held at the start of a replay", unit="base", ge=0)
    quote: float = setting(1_000.0, "held at the start of a replay", unit="quote", ge=0)

    @field_validator("latency")
    @classmethod
    def _readable(cls, latency: str) -> str:
        """Refuse what says nothing of a line."""
        if latency:
            read_line(latency, "costs.latency")
        return latency


class Live(Section):
    """Hard limits around a quoting process; the strategy cannot widen them."""

    max_order_notional: float = setting(500.0, "worth of one order", unit="quote", gt=0)
    max_position: float = setting(
        10_000.0, "worth of the base held with all open bids filled; orders beyond are vetoed", unit="quote", gt=0
    )
    max_open_orders: int = Field(20, ge=1, description="orders that rest at a time")
    max_daily_loss: float = setting(
        1_000.0, "lost since 00:00 UTC; over it the kill switch is thrown", unit="quote", gt=0
    )
    max_drawdown: float = setting(0.3, "of the highest equity; over it likewise", unit="share", gt=0, le=1)
    max_sigma: float = setting(0.0, "of one sample; over it nothing rests; 0 = no such limit", unit="sigma", ge=0)
    min_depth_base: float = Field(
        0.0, ge=0, description="a side within depth_band_bps; under it nothing rests; 0 = no such limit"
    )
    depth_band_bps: float = Field(10.0, gt=0, le=10_000, description="how far from mid depth is counted")
    collar_bps: float = Field(500.0, gt=0, le=10_000, description="how far from mid or last trade an order may be")
    orders_per_10s: int = Field(50, ge=1, description="orders sent within any ten seconds")
    orders_per_day: int = Field(100_000, ge=1, description="orders sent since 00:00 UTC")
    stale_after_seconds: float = Field(5.0, gt=0, description="nothing rests when the market was silent for so long")
    rehearse_ms: int = Field(
        5, ge=0, le=1_000, description="between rehearsals, which keep the way to an order warm; 0 = none"
    )
    metrics_port: int = Field(9464, ge=0, lt=65_536, description="of the Prometheus endpoint; 0 = none")
    metrics_host: str = Field("127.0.0.1", min_length=1, description="address that it listens on; it has no password")
    acknowledge_seconds: float = Field(60.0, gt=0, description="how long promote waits for the quoting process")


BINANCE: Final = Venue(
    rest_url="https://api.binance.com",
    stream_url="wss://stream.binance.com:9443/stream",
    ws_api_url="wss://ws-api.binance.com:443/ws-api/v3",
)
TESTNET: Final = Venue(
    rest_url="https://testnet.binance.vision",
    stream_url="wss://stream.testnet.binance.vision/stream",
    ws_api_url="wss://ws-api.testnet.binance.vision/ws-api/v3",
)


class Settings(BaseSettings):
    """All settings; the defaults run the paper venue on this machine."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="MICROVOL_", env_nested_delimiter="__", allow_inf_nan=False
    )
    home: Path = Field(Path("var"), description="everything that is written lies here; relative to the checkout")
    venue: str = Field(
        "paper", description="paper, paper-live, testnet, live, binance (recorded only), or a name under venues"
    )
    symbol: str = Field("BTC/FDUSD", pattern=SYMBOL_PATTERN, description="BASE/QUOTE, or BASE/QUOTE:SETTLE of a future")
    catalog: str = Field("", repr=False, description="the lake's catalogue; default SQLite under home")
    lake_data: str = Field("", description="where the lake keeps Parquet, a folder or s3://…; default under home")
    lake_endpoint: str = Field("", description="address of the object store when it is not Amazon's")
    lake_region: str = Field("", description="region of the object store; default us-east-1")
    tracking_uri: str = Field("", description="MLflow; default its server when it answers, else SQLite under home")
    prefect_api_url: str = Field("", description="default the local server's")
    ports: Ports = Ports()
    venues: dict[str, Venue] = Field({}, description="venues of your own, a table each")
    paper: Paper = Paper()
    capture: Capture = Capture()
    lake: LakeCare = LakeCare()
    calibrate: Calibrate = Calibrate()
    study: StudyTable = StudyTable()
    gates: GateSettings = GateSettings()
    drift: DriftSettings = DriftSettings()
    costs: Costs = Costs()
    live: Live = Live()
    schedule: Schedule = Schedule()
    promotion: PromotionTable = PromotionTable()
    canary: CanarySettings = CanarySettings()
    alerts: Alerts = Alerts()

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Read a relative home from the checkout, whatever the current folder is."""
        return (ROOT / home.expanduser()).resolve()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over the environment and the environment over the file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        refuse_passwords(file.toml_data, str(config_file()))
        return init_settings, env_settings, file

    @cached_property
    def layout(self) -> Layout:
        """Return where files live."""
        return Layout(self.home)

    @property
    def prefect_url(self) -> str:
        """Return the Prefect API's address: the setting, Prefect's own variable, or the local server."""
        named = self.prefect_api_url or os.environ.get("PREFECT_API_URL", "")
        return named or f"http://127.0.0.1:{self.ports.prefect}/api"

    @property
    def mlflow_url(self) -> str:
        """Return the local MLflow server's address."""
        return f"http://127.0.0.1:{self.ports.mlflow}"

    @property
    def mlflow_store(self) -> str:
        """Return the absolute address of the MLflow database under home."""
        return f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}"

    def venue_table(self, name: str) -> Venue:
        """Return one venue's addresses; the paper venue's follow its port unless the file names them."""
        known = {
            "paper": self._paper(),
            "testnet": TESTNET,
            "live": BINANCE,
            PAPER_LIVE: BINANCE,
            "binance": _recorded(BINANCE),
        } | self.venues
        if name not in known:
            raise BadInput(f"venue {name!r} is unknown, known are {', '.join(sorted(known))}")
        return known[name]

    def _paper(self) -> Venue:
        host = f"127.0.0.1:{self.ports.paper}"
        return Venue(rest_url=f"http://{host}", stream_url=f"ws://{host}/stream", ws_api_url=f"ws://{host}/ws-api/v3")


def _recorded(venue: Venue) -> Venue:
    return venue.model_copy(update={"trading": False})


def config_file() -> Path:
    """Return the settings file: `MICROVOL_CONFIG` or `microvol.toml` in the checkout; it need not exist."""
    return Path(os.environ.get("MICROVOL_CONFIG") or ROOT / "microvol.toml")


def load_settings(**given: Any) -> Settings:
    """Read the settings; the first fault becomes one line that names field and value."""
    if os.environ.get("MICROVOL_CONFIG") and not config_file().is_file():
        raise BadInput(f"MICROVOL_CONFIG names {config_file()}, which does not exist")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise BadInput(f"settings: {_fault(error)}") from error
    except ValueError as error:
        raise BadInput(f"settings: {config_file()} cannot be read: {error}") from error


def _fault(error: ValidationError) -> str:
    """Return the first fault; a value that might be a secret is not repeated."""
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"]) or "settings"
    if fault["type"] == "extra_forbidden":
        return f"{field} is not a setting"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{field} was {fault['input']!r}: {message[0].lower()}{message[1:]}"


def credentials(venue: str) -> tuple[str, str]:
    """Return key and secret of a venue from the environment; the paper venue has public ones."""
    prefix = f"MICROVOL_{venue.upper()}_API_"
    fallback = ("paper", "paper-secret") if venue == "paper" else ("", "")
    return os.environ.get(f"{prefix}KEY", fallback[0]), os.environ.get(f"{prefix}SECRET", fallback[1])
