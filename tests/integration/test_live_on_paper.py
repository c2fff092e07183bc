"""One supervised session on the real paper venue, from start to stop, looked at from all sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strategy.errors import Failed
from strategy.kernel.records import BOOK, BUY
from strategy.live.doors import LiveStatus, wait_acknowledged
from strategy.live.journal import read_journal
from strategy.live.parity import check
from strategy.policies.document import ParameterDocument, write_atomically
from strategy.venues.ports import OrderReport, OrderRequest
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = pytest.mark.slow


@dataclass
class Story:
    """What happened, in the order of the fixture below."""

    first: LiveStatus
    resting: list[OrderReport]
    swapped: LiveStatus
    refusal: str
    after_refusal: LiveStatus
    halted_orders: int
    code: int
    left: list[OrderReport]
    journal: Path
    document: ParameterDocument
    texts: bytes


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("home")
    with paper_rig(home) as rig:
        yield tell(rig)


def tell(rig: Rig) -> Story:
    champion = rig.home / "champion.json"
    document = rig.document(1)
    write_atomically(champion, document.to_json())
    supervisor = rig.start("supervisor", "--champion-file", str(champion), "quote", "--", "--rehearse-ms", "5")
    first = wait_for(lambda: rig.quoting(1), 60, "quoting")
    resting = rig.resting()
    wait_for(lambda: rig.status().fills >= 3, 90, "three fills")

    second = rig.document(2, executor_refresh_time=1.0)
    write_atomically(champion, second.to_json())
    swapped = wait_acknowledged(rig.layout, "paper", SYMBOL, second, 15)
    wait_for(lambda: 2 in versions_filled(rig.journals()[0]), 60, "a fill under version 2")

    foreign = second.instrument.model_copy(update={"tick_size": "0.5"})
    third = ParameterDocument(version=3, instrument=foreign, parameters=second.parameters, kernel_digest="k")
    write_atomically(champion, third.to_json())
    with pytest.raises(Failed) as refused:
        wait_acknowledged(rig.layout, "paper", SYMBOL, third, 15)
    after_refusal = wait_for(lambda: rig.quoting(2), 15, "still quoting")
    write_atomically(champion, second.to_json())

    halt = rig.layout.live("paper", SYMBOL) / "halt"
    halt.touch()
    wait_for(lambda: rig.status().state == "halted" and not rig.status().open_orders, 15, "halt")
    halted_orders = len(rig.resting())
    halt.unlink()
    wait_for(rig.quoting, 15, "quoting again")

    code = end(supervisor)
    (journal,) = rig.journals()
    texts = b"".join(path.read_bytes() for path in rig.home.rglob("*") if path.is_file())
    texts += b"".join(repr(entry.body).encode() for entry in read_journal(journal))
    return Story(
        first,
        resting,
        swapped,
        str(refused.value),
        after_refusal,
        halted_orders,
        code,
        rig.resting(),
        journal,
        second,
        texts,
    )


def versions_filled(journal: Path) -> set[int]:
    """Return the versions whose orders were executed."""
    return {entry.body["version"] for entry in read_journal(journal) if entry.body["t"] == "fill"}


def test_it_rests_post_only_orders_that_carry_version_and_slot(story: Story) -> None:
    assert story.first.version == 1
    assert len(story.resting) >= 2
    assert all(report.client_id.startswith("mv-") and report.client_id.split("-")[2] == "1" for report in story.resting)


def test_a_new_version_is_acknowledged_while_quoting(story: Story) -> None:
    assert (story.swapped.version, story.swapped.content_hash) == (2, story.document.content_hash)


def test_a_version_for_other_filters_is_refused_and_the_old_one_goes_on(story: Story) -> None:
    assert "version 3 was refused" in story.refusal
    assert "tick_size was 0.5" in story.refusal
    assert story.after_refusal.version == 2


def test_a_halt_takes_every_order_off_the_venue(story: Story) -> None:
    assert story.halted_orders == 0


def test_sigterm_leaves_nothing_at_the_venue_and_exits_0(story: Story) -> None:
    assert story.code == 0
    assert story.left == []


def test_the_journal_tells_the_whole_session(story: Story) -> None:
    kinds = [entry.body["t"] for entry in read_journal(story.journal)]
    assert kinds[0] == "session"
    assert kinds[-1] == "end"
    assert kinds.count("parameters") == 1
    assert kinds.count("fill") >= 4
    fills = [entry.body for entry in read_journal(story.journal) if entry.body["t"] == "fill"]
    assert len({fill["trade_id"] for fill in fills}) == len(fills)
    assert versions_filled(story.journal) >= {1, 2}


def test_the_decisions_replayed_from_the_journal_are_equal_field_by_field(story: Story) -> None:
    report = check(story.journal)
    assert report.differences == ()
    assert report.decisions > 10
    assert report.actions > 20
    assert report.complete


def test_rehearsals_leave_no_trace_but_the_word_that_they_began(story: Story) -> None:
    assert b"event=rehearsing symbol=BTC/FDUSD every_ms=5" in story.texts
    assert b"rehearsed" not in story.texts
    assert b"mv-rehearsal" not in story.texts


def test_a_changed_parameter_makes_parity_fail(story: Story) -> None:
    regimes = story.document.parameters.regimes.model_copy(update={"spread_low": 0.4})
    changed = story.document.parameters.model_copy(update={"regimes": regimes})
    document = story.document.model_copy(update={"parameters": changed})
    assert not check(story.journal, document).equal


def test_no_secret_is_in_any_file(story: Story) -> None:
    assert b"paper-secret" not in story.texts
    assert b"signature=" not in story.texts


def test_foreign_orders_are_refused_unless_allowed(tmp_path: Path) -> None:
    with paper_rig(tmp_path) as rig:
        document = rig.document(1)
        rig.put(document)
        rig.ask(lambda broker: broker.place(OrderRequest("someone", BUY, 3_000_000, 50)))
        process = rig.start("quote")
        assert process.wait(60) == 2
        assert "1 open orders are not ours (first: someone)" in (rig.home / "quote.err").read_text()
        process = rig.start("quote", "--allow-foreign")
        wait_for(rig.quoting, 60, "quoting")
        assert end(process) == 0
        assert [report.client_id for report in rig.resting()] == ["someone"]


def test_positions_are_closed_by_takers_and_the_journal_replays_equal(tmp_path: Path) -> None:
    with paper_rig(tmp_path, "--regime", "busy") as rig:
        rig.put(rig.document(1, groups={"barriers": {"time_limit": 1.0}, "risk": {"min_depth_base": 0.0001}}))
        process = rig.start("quote")
        wait_for(rig.quoting, 60, "quoting")
        journal = rig.journals()[0]
        wait_for(lambda: len(taken(journal)) >= 2, 120, "two positions closed by takers")
        assert end(process) == 0
        assert rig.resting() == []
        (journal,) = rig.journals()
        assert {fill["purpose"] for fill in taken(journal)} == {"time_limit"}
        bodies = [entry.body for entry in read_journal(journal)]
        assert {body["maker"] for body in bodies if body["t"] == "fill" and body["purpose"] == "entry"} == {True}
        books = [body["e"] for body in bodies if body["t"] == "event" and body["e"]["kind"] == BOOK]
        assert all(book["bid_depth_lots"] >= book["bid_lots"] for book in books)
        assert check(journal).differences == ()


def taken(journal: Path) -> list[dict[str, Any]]:
    """Return the executions by which a session took."""
    return [entry.body for entry in read_journal(journal) if entry.body["t"] == "fill" and not entry.body["maker"]]
