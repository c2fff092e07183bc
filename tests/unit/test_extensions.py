import duckdb
import pytest

from analytics.lake import extensions


def test_an_extension_that_was_changed_is_refused(tmp_path, monkeypatch):
    content = bytearray(extensions._extension_file("ducklake").read_bytes())
    content[1_000_000] ^= 1
    changed = tmp_path / "ducklake.duckdb_extension"
    changed.write_bytes(content)
    monkeypatch.setattr(extensions, "_NEEDED", {"sqlite": ("ducklake",)})
    monkeypatch.setattr(extensions, "_extension_file", lambda name: changed)

    with pytest.raises(duckdb.IOException, match="signature"):
        extensions.connected("sqlite")


def test_every_connection_of_a_process_has_the_extensions():
    for _ in range(2):
        with extensions.connected("sqlite") as connection:
            names = connection.execute("select extension_name from duckdb_extensions() where loaded").fetchall()
            assert {("ducklake",), ("sqlite_scanner",)} <= set(names)
