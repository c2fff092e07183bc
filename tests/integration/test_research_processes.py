"""Two notebooks ask while ingest writes: nobody sees an error, and every answer is of whole batches."""

import subprocess
import sys
from pathlib import Path

import pytest

from analytics.lake.store import Lake, LakeSettings
from analytics.research import Research
from tests.unit.research_samples import SYMBOL, VENUE, naive_book, recording

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BATCHES = 6
INGEST = """
import sys, time
from pathlib import Path
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from strategy.live.layout import Layout
from tests.unit import market_lines as lines
from tests.unit.research_samples import SYMBOL, VENUE, recording
home = Path(sys.argv[1])
raw = recording(9).lines
size = len(raw) // int(sys.argv[2]) + 1
with Lake.open(LakeSettings.under(home / "lake")) as lake:
    for n, first in enumerate(range(0, len(raw), size)):
        lines.write(Layout(home).segments(VENUE, SYMBOL) / f"{n:04}.log", raw[first : first + size])
        ingest(lake, Layout(home))
        heard = {each: each.stat().st_size for each in home.glob("answers-*")}  # go on when both have seen this batch
        while len(heard) < 2 or any(each.stat().st_size < size + 2 for each, size in heard.items()):
            time.sleep(0.02)
            heard |= {each: each.stat().st_size for each in home.glob("answers-*") if each not in heard}
"""
NOTEBOOK = """
import sys
from pathlib import Path
import polars as pl
from analytics.research import Research
from tests.unit.research_samples import SYMBOL, VENUE
asked = 0
with Research(sys.argv[1]) as r:
    while not Path(sys.argv[1], "done").exists():
        if r.coverage().is_empty():
            continue
        trades = len(r.trades(VENUE, SYMBOL))
        top = r.top(VENUE, SYMBOL, levels=2, every=None)
        later = len(r.trades(VENUE, SYMBOL))
        assert trades <= later
        crossed = top.filter(pl.col("bid_price_1") >= pl.col("ask_price_1"))
        assert crossed.is_empty(), crossed
        asked += 1
        with Path(sys.argv[1], f"answers-{sys.argv[2]}").open("a") as answers:
            answers.write(".")
print(asked)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_notebooks_read_while_ingest_writes(tmp_path: Path) -> None:
    with Lake.open(LakeSettings.under(tmp_path / "lake")):
        pass
    notebooks = [start(NOTEBOOK, tmp_path, name) for name in ("a", "b")]
    writer = start(INGEST, tmp_path, BATCHES)
    _, said = writer.communicate(timeout=120)
    assert writer.returncode == 0, said
    (tmp_path / "done").touch()
    for notebook in notebooks:
        out, said = notebook.communicate(timeout=60)
        assert notebook.returncode == 0, said
        assert int(out) >= 2 * BATCHES
    raw = recording(9).lines
    with Research(tmp_path) as r:
        assert len(r.trades(VENUE, SYMBOL)) == sum(b"@trade" in each for each in raw)
        last = int(raw[-1].split(b" ", 1)[0])
        book = r.book_at(VENUE, SYMBOL, last)
        assert len(book) == len(naive_book(raw, last) or {}) > 0
