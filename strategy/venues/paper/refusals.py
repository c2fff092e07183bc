"""The venue's refusals: code, text and HTTP status exactly as Binance spot states them."""

from strategy.errors import VenueError


class Refusal(VenueError):
    """The venue says no; `code` and the text are the venue's, `status` the HTTP status they come with."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        """Keep the venue's code and HTTP status beside its text."""
        super().__init__(message)
        self.code = code
        self.status = status

    def body(self) -> dict[str, int | str]:
        """Return the JSON that carries the refusal."""
        return {"code": self.code, "msg": str(self)}


def filter_failure(name: str) -> Refusal:
    """Name the filter that an order failed."""
    return Refusal(-1013, f"Filter failure: {name}")


def missing(name: str) -> Refusal:
    """Name a mandatory parameter that is absent or malformed."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> Refusal:
    """Name a parameter with characters outside its legal range."""
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def insufficient_balance() -> Refusal:
    """Say that the account cannot pay for the order."""
    return Refusal(-2010, "Account has insufficient balance for requested action.")


def would_take() -> Refusal:
    """Say that a post-only order would have traded at once."""
    return Refusal(-2010, "Order would immediately match and take.")


def duplicate_order() -> Refusal:
    """Say that an open order already has this client id."""
    return Refusal(-2010, "Duplicate order sent.")


def not_as_maker() -> Refusal:
    """Say on futures that a post-only order would have traded at once."""
    text = "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    return Refusal(-5022, text + "The order will not be recorded in the order history")


def nothing_to_reduce() -> Refusal:
    """Say that there is no position that an order could reduce."""
    return Refusal(-2022, "ReduceOnly Order is rejected.")


def unknown_order() -> Refusal:
    """Say that there is nothing to cancel."""
    return Refusal(-2011, "Unknown order sent.")


def no_such_order() -> Refusal:
    """Say that a query names no order."""
    return Refusal(-2013, "Order does not exist.")


def invalid_symbol() -> Refusal:
    """Say that the symbol is not traded here."""
    return Refusal(-1121, "Invalid symbol.")
