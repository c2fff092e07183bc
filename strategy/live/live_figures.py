"""A session's figures in quote and base units, for people and for Prometheus, by their names in a status."""

from strategy.kernel.records import BUY, SELL
from strategy.live.ledger import Ledger
from strategy.live.session import Session
from strategy.policies.packing import atom_size


def live_figures(session: Session, ledger: Ledger | None) -> dict[str, float | None]:
    """Return what can be said now; None for what cannot, as before the first book. `ledger` has the day's beginning."""
    view, instrument = session.view(), session.document.instrument
    tick, lot, atom = float(instrument.tick_size), float(instrument.lot_size), float(atom_size(instrument))
    mid, balance, meters = view["mid_ticks"], session.account.books.balance(), session.meters
    equity = None if mid is None else (balance.base_lots * mid + balance.quote_atoms) * atom
    bids = [order.price_ticks for order in session.orders.live if order.side == BUY]
    asks = [order.price_ticks for order in session.orders.live if order.side == SELL]
    bid_bps, ask_bps = meters.half_spreads_bps or (None, None)
    return {
        "mid_price": None if mid is None else mid * tick,
        "base": balance.base_lots * lot,
        "cash": balance.quote_atoms * atom,
        "equity": equity,
        "day_pnl": None if equity is None or ledger is None else equity - ledger.day_equity,
        "bid_price": max(bids) * tick if bids else None,
        "ask_price": min(asks) * tick if asks else None,
        "bid_bps": bid_bps,
        "ask_bps": ask_bps,
        "market_delay_s": meters.market_delay_s,
    }
