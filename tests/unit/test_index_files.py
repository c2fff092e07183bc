import numpy as np
import pytest

from analytics.study.folds import Window
from analytics.tape import index_files
from analytics.tape.excerpt import excerpt
from analytics.tape.index_files import flat, index_of
from strategy.replay.index import build_index
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from strategy.replay.tape import empty_tape

MARKET = SyntheticMarket(updates=400, seed=5)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the updates of each tape whose index is really built."""
    rows: list[int] = []

    def counted(tape):
        rows.append(len(tape.update_exch))
        return build_index(tape)

    monkeypatch.setattr(index_files, "build_index", counted)
    return rows


def assert_same(found, wanted):
    found, wanted = dict(flat(found)), dict(flat(wanted))
    assert list(found) == list(wanted)
    for name, column in wanted.items():
        assert np.array_equal(found[name], column), name
        assert found[name].dtype == column.dtype, name
        assert found[name].flags.writeable == column.flags.writeable, name


def test_a_kept_index_is_the_built_one_to_the_last_flag_and_is_built_once(tmp_path, built):
    tape, info = synthetic_tape(MARKET)
    wanted = build_index(tape)
    for _ in range(3):
        assert_same(index_of(tape, info, tmp_path), wanted)
    assert built == [400]


def test_an_excerpt_has_an_index_of_its_own(tmp_path, built):
    tape, info = synthetic_tape(MARKET)
    part = excerpt(tape, Window(MARKET.start_ns + 10 * 10**9, MARKET.start_ns + 20 * 10**9))
    index_of(tape, info, tmp_path)
    assert_same(index_of(part, info, tmp_path), build_index(part))
    assert built == [400, len(part.update_exch)]


def test_a_broken_index_is_built_anew(tmp_path, built):
    tape, info = synthetic_tape(MARKET)
    index_of(tape, info, tmp_path)
    (broken,) = tmp_path.glob("index-*/history.lots.npy")
    broken.write_bytes(broken.read_bytes()[:-8])
    assert_same(index_of(tape, info, tmp_path), build_index(tape))
    assert built == [400, 400]


def test_an_index_of_other_code_is_not_taken(tmp_path, built, monkeypatch):
    tape, info = synthetic_tape(MARKET)
    index_of(tape, info, tmp_path)
    monkeypatch.setattr(index_files, "_code_digest", lambda: "other")
    index_of(tape, info, tmp_path)
    assert built == [400, 400]


def test_a_tape_without_rows_has_an_index_too(tmp_path):
    _, info = synthetic_tape(MARKET)
    tape = empty_tape()
    assert_same(index_of(tape, info, tmp_path), build_index(tape))
    assert_same(index_of(tape, info, tmp_path), build_index(tape))
