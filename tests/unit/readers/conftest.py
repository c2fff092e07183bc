"""What the readers' tests share: a lake for each file of tests, and a market in it."""

from collections.abc import Iterator

import pytest

from analytics.lake.store import Lake
from tests.unit.readers.reader_rig import Rig, open_lake, rig


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Open a lake of the file's own."""
    with open_lake(tmp_path_factory.mktemp("lake")) as lake:
        yield lake


@pytest.fixture
def market(lake: Lake) -> Rig:
    """Name a market of the lake."""
    return rig(lake)
