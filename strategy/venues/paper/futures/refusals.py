"""What only a futures venue refuses: code and text as Binance USDT-M futures states them."""

from strategy.venues.paper.refusals import Refusal


def side_does_not_match() -> Refusal:
    """Say that an order's position side does not fit the position mode."""
    return Refusal(-4061, "Order's position side does not match user's setting.")


def margin_is_insufficient() -> Refusal:
    """Say that the account cannot carry the position that an order could open."""
    return Refusal(-2019, "Margin is insufficient.")


def notional_too_small(minimum: str) -> Refusal:
    """Say that an order that may open is worth too little."""
    return Refusal(-4164, f"Order's notional must be no smaller than {minimum} (unless you choose reduce only).")


def no_need_to_change_mode() -> Refusal:
    """Say that the position mode is the wanted one already."""
    return Refusal(-4059, "No need to change position side.")


def mode_with_open_orders() -> Refusal:
    """Say that orders rest while the position mode is to change."""
    return Refusal(-4067, "Position side cannot be changed if there exists open orders.")


def mode_with_position() -> Refusal:
    """Say that there is a position while the position mode is to change."""
    return Refusal(-4068, "Position side cannot be changed if there exists position.")


def leverage_not_valid(leverage: int) -> Refusal:
    """Say that there is no such leverage."""
    return Refusal(-4028, f"Leverage {leverage} is not valid")
