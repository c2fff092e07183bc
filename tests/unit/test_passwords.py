"""Passwords are hidden in whatever is shown, however a connection string says them."""

import pytest

from analytics.lake.passwords import refuse_passwords, without_passwords
from analytics.lake.settings import LakeSettings
from strategy.errors import BadInput

CONNECTIONS = (
    "host=db password=hush user=keeper",
    "host=db password='hush' user=keeper",
    r"host=db PASSWORD = 'hu\'sh' user=keeper",
    "postgresql://keeper:hush@db/lake",
    "postgresql://keeper:hu%2Fsh@db:5432/lake?sslmode=require",
    "postgresql://keeper@db/lake?password=hush&sslmode=require",
)


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_password_is_hidden_and_the_rest_stays(connection):
    shown = without_passwords(f'no way to "{connection}": refused')
    assert not any(text in shown for text in ("hush", "hu%2Fsh", "hu\\'sh"))
    assert all(text in shown for text in ("no way to", "db", "keeper", "***", ": refused"))


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_password_that_stands_alone_is_hidden_too(connection):
    written = next(text for text in ("hush", "hu%2Fsh", r"hu\'sh") if text in connection)
    meant = {"hush": "hush", "hu%2Fsh": "hu/sh", r"hu\'sh": "hu'sh"}[written]
    assert without_passwords(f"the server was told {meant}", connection) == "the server was told ***"


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_settings_file_with_a_password_is_refused_by_name_alone(connection):
    with pytest.raises(BadInput, match=r"storage in microvol\.toml carries a password") as found:
        refuse_passwords({"home": "var", "study": {"storage": connection}}, "microvol.toml")
    assert "hu" not in str(found.value)


@pytest.mark.parametrize("text", ["host=db user=keeper", "http://127.0.0.1:5000", "postgresql://keeper@db/lake", ""])
def test_what_has_no_password_stays_as_it_is(text):
    assert without_passwords(text) == text
    refuse_passwords({"catalog": text}, "microvol.toml")


def test_settings_show_no_connection_string(tmp_path):
    settings = LakeSettings.chosen(tmp_path, f"postgres:{CONNECTIONS[0]}")
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)
