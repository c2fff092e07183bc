"""The public streams of a futures venue: spot's, with the fields that futures add."""

from strategy.venues.paper.engine import Print
from strategy.venues.paper.publisher import MS, Publisher


class FuturesPublisher(Publisher):
    """Diffs carry the id before them (`pu`) and two times, trades their kind, snapshots their time."""

    def _depth_words(self, first_id: int, final_id: int, bids: str, asks: str) -> str:
        at_ms = self._engine.now_ns // MS
        return (
            f'{{"e":"depthUpdate","E":{at_ms},"T":{at_ms},"s":"{self._symbol}","U":{first_id},"u":{final_id},'
            f'"pu":{first_id - 1},"b":{bids},"a":{asks}}}'
        )

    def _ticker_words(self, best: tuple[int, int, int, int]) -> str:
        at_ms = self._engine.now_ns // MS
        return f'{{"e":"bookTicker","E":{at_ms},"T":{at_ms},{super()._ticker_words(best)[1:]}'

    def _trade_words(self, trade: Print) -> str:
        return super()._trade_words(trade).removesuffix(',"M":true}') + ',"X":"MARKET"}'

    def _snapshot_words(self, last_id: int, bids: str, asks: str) -> str:
        at_ms = self._engine.now_ns // MS
        return f'{{"lastUpdateId":{last_id},"E":{at_ms},"T":{at_ms},"bids":[{bids}],"asks":[{asks}]}}'
