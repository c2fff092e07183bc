"""Who may ask, and how often: key, signature, clock and rate limits, with the venue's refusals."""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.refusals import Refusal, illegal, missing

AHEAD_MS = 1_000
RECV_WINDOW_MS, MOST_RECV_WINDOW_MS = 5_000, 60_000
SECOND_NS = 1_000_000_000
NUMBER = re.compile(r"^[0-9]{1,20}$")
WINDOW = re.compile(r"^[0-9]{1,20}(\.[0-9]{1,3})?$")
SIGNATURE = re.compile(r"(^|&)signature=([^&]*)")


def rest_payload(query: str, body: str) -> str:
    """Return what a REST signature covers: query and body as they were sent, the signature itself left out."""
    return SIGNATURE.sub("", query).lstrip("&") + SIGNATURE.sub("", body).lstrip("&")


def socket_payload(parameters: Mapping[str, str]) -> str:
    """Return what a WS API signature covers: the parameters in alphabetical order."""
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters) if name != "signature")


class Window:
    """How much was used in the last `seconds`."""

    def __init__(self, seconds: int) -> None:
        """Start with nothing used."""
        self.seconds = seconds
        self.used = 0
        self._spent: deque[tuple[int, int]] = deque()

    def spend(self, now_ns: int, amount: int) -> int:
        """Add an amount and return what is in the window with it."""
        while self._spent and self._spent[0][0] <= now_ns - self.seconds * SECOND_NS:
            self.used -= self._spent.popleft()[1]
        self._spent.append((now_ns, amount))
        self.used += amount
        return self.used


class Gate:
    """The venue's door for one key."""

    def __init__(self, config: PaperConfig) -> None:
        """Guard with the configured key, secret and limits."""
        self._config = config
        self._secret = config.secret.get_secret_value().encode()
        self.forget()

    def forget(self) -> None:
        """Count anew, from nothing used."""
        self.weight, self.orders_10s, self.orders_day = Window(60), Window(10), Window(86_400)

    def admit(self, now_ns: int, weight: int) -> None:
        """Count a request's weight; refuse beyond the limit of a minute."""
        if self.weight.spend(now_ns, weight) > self._config.weight_per_minute:
            limit = self._config.weight_per_minute
            text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
            raise Refusal(-1003, text + "Please use WebSocket Streams for live updates to avoid polling the API.", 429)

    def admit_order(self, now_ns: int) -> None:
        """Count a new order; refuse beyond the limits of ten seconds and of a day."""
        config = self._config
        if self.orders_10s.spend(now_ns, 1) > config.orders_per_10s:
            raise Refusal(
                -1015, f"Too many new orders; current limit is {config.orders_per_10s} orders per 10 SECOND.", 429
            )
        if self.orders_day.spend(now_ns, 1) > config.orders_per_day:
            raise Refusal(
                -1015, f"Too many new orders; current limit is {config.orders_per_day} orders per 1 DAY.", 429
            )

    def check_key(self, key: str) -> None:
        """Refuse an absent or unknown key."""
        if not key:
            raise Refusal(-2014, "API-key format invalid.", 401)
        if not hmac.compare_digest(key.encode(), self._config.api_key.encode()):
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def check_signed(self, key: str, payload: str, parameters: Mapping[str, str], now_ns: int) -> None:
        """Refuse a request without the right key, a fresh timestamp and an HMAC SHA-256 of its payload."""
        self.check_key(key)
        if not parameters.get("signature"):
            raise missing("signature")
        expected = hmac.new(self._secret, payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), parameters["signature"].encode()):
            raise Refusal(-1022, "Signature for this request is not valid.")
        self._check_clock(parameters, now_ns // 1_000_000)

    def headers(self) -> dict[str, str]:
        """Return the counters that come with every REST reply."""
        return {
            "X-MBX-USED-WEIGHT": str(self.weight.used),
            "X-MBX-USED-WEIGHT-1M": str(self.weight.used),
            "X-MBX-ORDER-COUNT-10S": str(self.orders_10s.used),
            "X-MBX-ORDER-COUNT-1D": str(self.orders_day.used),
        }

    def _check_clock(self, parameters: Mapping[str, str], now_ms: int) -> None:
        sent, window = parameters.get("timestamp", ""), parameters.get("recvWindow", str(RECV_WINDOW_MS))
        if not sent:
            raise missing("timestamp")
        for name, value, legal in (("timestamp", sent, NUMBER), ("recvWindow", window, WINDOW)):
            if not legal.match(value):
                raise illegal(name, legal.pattern)
        if float(window) > MOST_RECV_WINDOW_MS:
            raise Refusal(-1131, f"recvWindow must be less than {MOST_RECV_WINDOW_MS}.")
        if int(sent) > now_ms + AHEAD_MS:
            raise Refusal(-1021, f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time.")
        if now_ms - int(sent) > float(window):
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
