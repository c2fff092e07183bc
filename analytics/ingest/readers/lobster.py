"""LOBSTER message and orderbook CSV pairs (https://lobsterdata.com/info/DataStructure.php).

Neither file has a header. A message is time, type, order id, size, price, direction; row k of the orderbook file is the
book after message k: ask price, ask size, bid price, bid size, level after level. Times are seconds after the venue's
midnight, prices are dollars times 10,000, an empty level has size 0 and a price out of this world. One clock serves as
both. Executions of hidden orders and auctions are left out: the venue masks the side of the first and the second have
none. During a halt (type 7) the book is a repetition.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analytics.ingest.readers.csv_rows import CsvRows, integer
from analytics.ingest.readers.seam import Heard, Levels, Print, Recording, Row, WrongRow
from analytics.ingest.readers.top_levels import TopLevels
from strategy.errors import BadData, BadInput
from strategy.kernel.records import BUY, SELL

NEW_YORK: Final = "America/New_York"
_NAME: Final = re.compile(r"(?P<ticker>[^_]+)_(?P<day>\d{4}-\d{2}-\d{2})_\d+_\d+_(message|orderbook)_\d+\.csv(\.gz)?")
_MESSAGE_CELLS: Final = 6
_UNITS: Final = 10_000  # of a dollar
_VISIBLE: Final = 4
_KINDS: Final = {
    1: None,
    2: None,
    3: None,
    _VISIBLE: None,
    5: "executions of hidden orders",
    6: "cross trades",
    7: "trading halt marks",
}
_TAKERS: Final = {1: SELL, -1: BUY}  # direction is the resting order's side


class LobsterReader:
    """Pairs of files whose names differ in `message` and `orderbook` alone."""

    def __init__(self, base: str, day: str | None = None, zone: str = NEW_YORK) -> None:
        """Take one ticker; the day is the files' own unless given."""
        self.reading = f"lobster {day} {zone}"
        self._base = base
        self._day = None if day is None else date.fromisoformat(day)
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise BadInput(f"--timezone was {zone!r}, it must be a name like {NEW_YORK}") from error

    def recordings(self, paths: Sequence[Path]) -> tuple[list[Recording], list[str]]:
        """Return the pairs in order of time, and what is no half of a pair."""
        given = {path: path for path in paths}
        found: list[LobsterPair] = []
        refused = []
        for path in paths:
            partner = path.with_name(_other(path.name))
            if partner not in given or partner == path:
                refused.append(f"{path}: nothing usable, the other file of its pair is not given")
            elif "message" in path.name:
                self._add(path, partner, found, refused)
        return [*sorted(found, key=lambda pair: pair.midnight_ns)], refused

    def _add(self, message: Path, book: Path, found: list["LobsterPair"], refused: list[str]) -> None:
        try:
            found.append(LobsterPair(message, book, self._midnight(message)))
        except BadData as error:
            refused.append(str(error))

    def _midnight(self, path: Path) -> int:
        named = _NAME.fullmatch(path.name)
        if named is not None and named["ticker"] != self._base:
            raise BadData(f"{path}: nothing usable, it is of {named['ticker']}, not of {self._base}")
        if self._day is None and named is None:
            raise BadData(f"{path}: nothing usable, its name tells no day; give --date")
        day = self._day or date.fromisoformat(named["day"] if named is not None else "")
        return int(datetime.combine(day, time.min, self._zone).timestamp()) * 1_000_000_000


def _other(name: str) -> str:
    return name.replace("message", "orderbook") if "message" in name else name.replace("orderbook", "message")


class LobsterPair:
    """One day of one ticker."""

    what = "line"

    def __init__(self, message: Path, book: Path, midnight_ns: int) -> None:
        """Look at both first rows; BadData when they are of another kind."""
        self.paths = (message, book)
        self.midnight_ns = midnight_ns
        self.heard = Heard()
        self._messages, self._books = CsvRows(message, has_header=False), CsvRows(book, has_header=False)
        if len(self._messages.first()[1]) != _MESSAGE_CELLS:
            raise BadData(f"{message}: nothing usable, its rows do not have {_MESSAGE_CELLS} columns")
        if len(self._books.first()[1]) % 4:
            raise BadData(f"{book}: nothing usable, its rows do not have 4 columns a level")

    @property
    def share(self) -> float:
        """Return how much of the pair has been read, 0 to 1."""
        return self._messages.share

    def rows(self) -> Iterator[Row]:
        """Read both files side by side."""
        self.heard = Heard()
        book = TopLevels("the first book of the file")
        try:
            for message, levels in zip_longest(self._messages, self._books):
                if message is None or levels is None:
                    raise self._uneven(message is None)
                yield from self._facts(message[0], message[1], levels, book)
        except BadData as error:
            raise self._messages.wrong(error) from error

    def _facts(self, number: int, message: list[str], levels: tuple[int, list[str]], book: TopLevels) -> Iterator[Row]:
        kind, qty, price, direction = (
            integer(name, message[place]) for name, place in (("type", 1), ("size", 3), ("price", 4), ("direction", 5))
        )
        if kind not in _KINDS:
            raise BadData(f"type was {kind}, it must be one of {', '.join(map(str, _KINDS))}")
        now = self.midnight_ns + _nanoseconds(message[0])
        if (reason := _KINDS[kind]) is not None:
            self.heard.leave_out(reason)
        if kind == _VISIBLE:
            if direction not in _TAKERS:
                raise BadData(f"direction was {direction}, it must be 1 or -1")
            yield Row(number, number, Print(now, now, _dollars(price), str(qty), _TAKERS[direction]))
        try:
            fact = book.take(
                (now, now), _side(levels[1][2::4], levels[1][3::4]), _side(levels[1][0::4], levels[1][1::4])
            )
        except BadData as error:
            raise self._books.wrong(error) from error
        if fact is not None:
            yield Row(number, number, fact)

    def _uneven(self, messages_ended: bool) -> WrongRow:
        longer, shorter = (self._books, self._messages) if messages_ended else (self._messages, self._books)
        return WrongRow(longer.path, longer.line, f"has no counterpart in {shorter.path}")


def _side(prices: list[str], sizes: list[str]) -> Levels:
    sized = [(integer("price", price), integer("size", size)) for price, size in zip(prices, sizes, strict=True)]
    return tuple((_dollars(price), str(size)) for price, size in sized if size)


def _dollars(price: int) -> str:
    if price <= 0:
        raise BadData(f"price was {price}, it must be over 0")
    return f"{price // _UNITS}.{price % _UNITS:04d}"


def _nanoseconds(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    if len(fraction) > 9 or not (whole + fraction).isdecimal():
        raise BadData(f"time was {seconds!r}, it must be seconds after midnight with at most 9 decimals")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0"))
