"""Where files live under the home folder (`MICROVOL_HOME`, default `var/` in the checkout), and nothing else.

```
var/
  lake/            catalogue and Parquet              (analytics/lake/store.py, written by ingest alone)
  tape/            cached tapes by fingerprint
  segments/VENUE/SYMBOL/NAME.log[.zst]                raw frames
  journal/VENUE/SYMBOL/SESSION.log[.zst]              what a live session saw and did
  shadow/VENUE/SYMBOL/SESSION-vVERSION-N.log[.zst]  what a version in that session's shadow did
  live/VENUE/SYMBOL/params.json status.json        the doors of a quoting process
  live/VENUE/SYMBOL/shadow-VERSION.json            a version that is to run in its shadow
  live/VENUE/SYMBOL/simulation.json                what is assumed of the venue that shadows trade on
  live/VENUE/SYMBOL/kill.json rearmed.json halt    its kill switch, who re-armed it last, a pause
  live/VENUE/SYMBOL/ledger.json guard.json         what the strategy's and the guard's limits have counted
  audit/NAME.log   promotions, rollbacks, kills and re-armings, until ingested
  mlflow/ prefect/ run/ report/ jit/
```
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEDGER_FILE: Final = "ledger.json"
GUARD_FILE: Final = "guard.json"


def slug(symbol: str) -> str:
    """Return a symbol as it stands in file names: `BTC/USDT` -> `BTC-USDT`."""
    return symbol.replace("/", "-").replace(":", "_")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one home folder."""

    home: Path

    def segments(self, venue: str, symbol: str) -> Path:
        """Return the folder of a symbol's raw segments."""
        return self.home / "segments" / venue / slug(symbol)

    def journal(self, venue: str, symbol: str) -> Path:
        """Return the folder of a symbol's session journals."""
        return self.home / "journal" / venue / slug(symbol)

    def shadow(self, venue: str, symbol: str) -> Path:
        """Return the folder of the journals of versions in the shadow."""
        return self.home / "shadow" / venue / slug(symbol)

    def live(self, venue: str, symbol: str) -> Path:
        """Return the folder through which a quoting process is steered and watched."""
        return self.home / "live" / venue / slug(symbol)

    def parameter_file(self, venue: str, symbol: str) -> Path:
        """Return the file that the supervisor writes and the quoting process reads."""
        return self.live(venue, symbol) / "params.json"

    def status_file(self, venue: str, symbol: str) -> Path:
        """Return the file in which the quoting process acknowledges its version and shows that it is alive."""
        return self.live(venue, symbol) / "status.json"

    @property
    def audit(self) -> Path:
        """Return the folder of audit lines."""
        return self.home / "audit"
