"""The account of a simulated venue: a file of its executions, so that holdings and trade ids outlast every process.

One `<local_ns> <json>` line an event: first a deposit, then executions. An execution is in the file before anybody
hears of it; whoever dies in between finds it there again, as at a real venue.
"""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from strategy.errors import BadData
from strategy.live.books import Books
from strategy.policies.document import Instrument
from strategy.policies.packing import atoms_of, lots_of
from strategy.venues.collector import CollectorFile
from strategy.venues.ports import Balance, OwnFill

ACCOUNT_FILE: Final = "account.log"
_FILL: Final = TypeAdapter(OwnFill)


class SimulatedAccount:
    """Holdings and executions of one symbol."""

    def __init__(self, folder: Path, instrument: Instrument, base: float, quote: float, now_ns: int) -> None:
        """Open the folder's account; a new one is begun with these holdings (base and quote units)."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / ACCOUNT_FILE
        self._mend()
        if not self._path.exists():
            held = {"base_lots": lots_of(base, instrument), "quote_atoms": atoms_of(quote, instrument)}
            self._append(now_ns, {"t": "deposit", **held})
        self.fills: list[OwnFill] = []
        self._books = self._read(instrument)

    @property
    def balance(self) -> Balance:
        """Return the total holdings."""
        return self._books.balance()

    @property
    def last_trade_id(self) -> int:
        """Return the id of the newest execution, 0 without any."""
        return self.fills[-1].trade_id if self.fills else 0

    def add(self, now_ns: int, fill: OwnFill) -> None:
        """Take one execution, for good."""
        self._append(now_ns, {"t": "fill", **asdict(fill)})
        self._take(fill)

    def _mend(self) -> None:
        """Take back a line that a killed process had only begun: nobody heard of it."""
        if self._path.exists():
            data = self._path.read_bytes()
            os.truncate(self._path, data.rfind(b"\n") + 1)

    def _take(self, fill: OwnFill) -> None:
        self.fills.append(fill)
        self._books.ours.add(fill)

    def _read(self, instrument: Instrument) -> Books:
        lines = [(line.number, orjson.loads(line.payload)) for line in CollectorFile(self._path)]
        if not lines or lines[0][1].get("t") != "deposit":
            raise BadData(f"{self._path} does not begin with a deposit")
        first = lines[0][1]
        books = self._books = Books(instrument, Balance(first["base_lots"], first["quote_atoms"]))
        for number, body in lines[1:]:
            try:
                self._take(_FILL.validate_python({name: value for name, value in body.items() if name != "t"}))
            except ValidationError as error:
                raise BadData(f"{self._path} line {number} is not an execution") from error
        return books

    def _append(self, now_ns: int, body: dict[str, object]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, b"%d %s\n" % (now_ns, orjson.dumps(body)))
        finally:
            os.close(descriptor)
