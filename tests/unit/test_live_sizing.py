"""Smaller orders for a version on trial: the file, the swap between two events, and parity of what was quoted."""

from pathlib import Path

import pytest

from strategy.errors import BadParameters
from strategy.live.guard import Limits
from strategy.live.journal import read_journal
from strategy.live.parameter_file import ParameterFile, checked_document
from strategy.live.parity import check
from strategy.live.sizing import SIZE_FILE, at_size, quoted, read_sizes, size_factor, write_sizes
from tests.unit.fake_broker import INSTRUMENT
from tests.unit.test_live_session import Desk, document


def test_sizes_read_back_and_none_is_full_size(tmp_path: Path) -> None:
    assert read_sizes(tmp_path) == {}
    write_sizes(tmp_path, {7: 0.25})
    assert read_sizes(tmp_path) == {7: 0.25}


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1}', '{"1": "much"}'])
def test_a_file_that_is_no_table_of_sizes_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / SIZE_FILE).write_text(content)
    with pytest.raises(BadParameters, match=SIZE_FILE):
        read_sizes(tmp_path)


@pytest.mark.parametrize("factor", [0.0, -0.5, 1.5, float("nan")])
def test_a_factor_out_of_bounds_is_refused(factor: float) -> None:
    with pytest.raises(BadParameters, match="size factor of version 1"):
        at_size(document(), factor)


def test_a_size_shrinks_orders_alone_and_leaves_the_version_what_it_is() -> None:
    whole, part = document(), at_size(document(), 0.25)
    assert (part.content_hash, part.version, size_factor(part)) == (whole.content_hash, whole.version, 0.25)
    assert quoted(part).quoting.order_qty == whole.parameters.quoting.order_qty / 4
    same = quoted(part).quoting.model_copy(update={"order_qty": whole.parameters.quoting.order_qty})
    assert quoted(part).model_copy(update={"quoting": same}) == whole.parameters
    assert at_size(whole, 1.0) is whole


def test_other_sizes_are_news_and_make_another_document(tmp_path: Path) -> None:
    path = tmp_path / "params.json"
    path.write_bytes(document(version=3).to_json())
    file = ParameterFile(path)
    data = file.news()
    assert data is not None
    assert file.news() is None
    write_sizes(tmp_path, {3: 0.5, 4: 0.1})
    again = file.news()
    assert again == data
    assert size_factor(checked_document(data, path, INSTRUMENT)) == 0.5
    write_sizes(tmp_path, {})
    assert file.news() == data
    assert checked_document(data, path, INSTRUMENT) == document(version=3)


async def test_a_session_that_changes_size_is_the_same_replayed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(), parameters=at_size(document(), 0.5))
    desk.diff()
    desk.snapshot()
    await desk.quoted()
    assert desk.session.view()["size_factor"] == 0.5
    desk.session.on_parameters(document())
    desk.jump(59_000)
    await desk.until(lambda: any(order.qty_lots == 100 for order in desk.session.orders.live))
    desk.session.end("test")
    actions = [entry.body for entry in read_journal(desk.path) if entry.body["t"] == "action"]
    assert {action["qty_lots"] for action in actions} - {0} == {50, 100}
    found = check(desk.path)
    assert (found.equal, found.actions, found.versions) == (True, len(actions), (1, 1)), found.differences
