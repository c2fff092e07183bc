"""A lake of an older build: what readers find where nothing has been taken in since."""

import pytest

from analytics.lake.store import Lake, LakeSettings, migrations


def make_older_lake(settings: LakeSettings, before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a lake with the migrations before a number alone."""
    known = [each for each in migrations() if each[0] < before]
    with monkeypatch.context() as older:
        older.setattr("analytics.lake.store.migrations", lambda: known)
        with Lake.open(settings):
            pass
