"""What is installed: only what the lock names, whole by its hashes, from an index, under licences that ask for nothing.

Known vulnerabilities are looked up in a pinned report, for want of a network: deploy/advisories.json says where it is
from, as of when (its source ends in September 2026) and of which packages it lacks older advisories. `make audit` asks
PyPI for today's answer, `make advisories` writes the report anew.
"""

import json
import re
import zipfile
from datetime import date
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.advisories import REPORT, affects, findings, main, pinned, written
from flows.settings import ROOT

LOCK = ROOT / "requirements.lock"

GRANTED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python Software Foundation|LGPL|0BSD|Artistic|Zlib)\b|BSD-|MPL-"
)
STATED_ELSEWHERE = {  # no licence in their metadata, this in the licence file that they ship
    "aiofastnet": "MIT",
    "huey": "MIT",
    "picows": "MIT",
    "skops": "MIT",
}
NOT_LOCKED = {"microvol", "pip"}


def locked() -> dict[str, str]:
    """Return version by name for this interpreter; every entry has to be pinned and hashed."""
    text = LOCK.read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.M).strip())
    found = {}
    for entry in entries:
        wanted = Requirement(entry.partition("\\\n")[0].strip())
        (pin,) = wanted.specifier
        assert (pin.operator, wanted.url) == ("==", None), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        if wanted.marker is None or wanted.marker.evaluate():
            found[canonicalize_name(wanted.name)] = pin.version
    return found


@cache
def report() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REPORT.read_text())
    return found


def licence(found: Distribution) -> str:
    said = found.metadata.get_all("License-Expression") or []
    said += [each for each in found.metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    said += [(found.metadata.get("License") or "").split("\n")[0], STATED_ELSEWHERE.get(found.name, "")]
    return "; ".join(each for each in said if each)


def test_everything_installed_is_what_the_lock_names() -> None:
    wanted = locked()
    held = {canonicalize_name(each.name): each.version for each in distributions()}
    assert {name: version for name, version in held.items() if wanted.get(name) != version}.keys() <= NOT_LOCKED
    assert len(wanted) > 150


def test_licences_are_permissive_or_weak_copyleft() -> None:
    others = {each.name: licence(each) for each in distributions() if not GRANTED.search(licence(each))}
    assert {name: said for name, said in others.items() if name not in NOT_LOCKED} == {}


def test_no_pinned_version_is_affected_by_an_advisory_of_the_report() -> None:
    accepted = {(each["package"], each["id"]) for each in report()["exceptions"]}
    found = findings(report(), pinned(LOCK.read_text()))
    assert [f"{name} {version}: {each}" for name, version, each in found if (name, each) not in accepted] == []


def test_every_locked_package_has_been_looked_up() -> None:
    missing = {name for name, _ in pinned(LOCK.read_text())} - report()["packages"].keys()
    assert missing == set(), "run `make advisories` where there is a network"


def test_an_exception_has_a_reason_and_still_applies() -> None:
    applying = {(name, each) for name, _, each in findings(report(), pinned(LOCK.read_text()))}
    for each in report()["exceptions"]:
        assert len(each["reason"]) > 20, each
        assert (each["package"], each["id"]) in applying, f"no longer needed: {each}"


def test_the_report_says_where_it_is_from_when_it_ends_and_what_it_lacks() -> None:
    held = report()
    assert "CC-BY" in held["source"]
    assert date.fromisoformat(held["as_of"]) > date(2026, 9, 1)
    assert held["partial"].keys() <= held["packages"].keys()
    for each in (advisory for kept in held["packages"].values() for advisory in kept):
        assert each.get("ranges") or each.get("versions"), each
    assert written(held) == REPORT.read_text()


@pytest.mark.parametrize(
    ("version", "ranges", "versions", "expected"),
    [
        ("1.9", [{"introduced": "2.0", "fixed": "2.5"}], [], False),
        ("2.0", [{"introduced": "2.0", "fixed": "2.5"}], [], True),
        ("2.10", [{"introduced": "2.0", "fixed": "2.5"}], [], False),
        ("2.4.9", [{"introduced": "2.0", "fixed": "2.5"}], [], True),
        ("2.5rc1", [{"introduced": "2.0", "fixed": "2.5"}], [], True),
        ("2.5", [{"introduced": "2.0", "fixed": "2.5"}], [], False),
        ("2.5", [{"introduced": "0", "last_affected": "2.5"}], [], True),
        ("2.5.post1", [{"introduced": "0", "last_affected": "2.5"}], [], False),
        ("0.0.0.dev3", [{"introduced": "0", "fixed": "1"}], [], True),
        ("9", [{"introduced": "3"}], [], True),
        ("2.2", [{"introduced": "1", "fixed": "2.1"}, {"introduced": "2.2", "fixed": "2.3"}], [], True),
        ("2.1", [{"introduced": "1", "fixed": "2.1"}, {"introduced": "2.2", "fixed": "2.3"}], [], False),
        ("1.0.0", [], ["0.8.3-r1-old", "1.0"], True),
        ("1.0.1", [], ["1.0"], False),
    ],
)
def test_a_version_is_judged_by_ranges_and_listed_versions(
    version: str, ranges: list[dict[str, str]], versions: list[str], expected: bool
) -> None:
    assert affects({"id": "X-1", "ranges": ranges, "versions": versions}, version) is expected


def osv(name: str, package: str, events: list[dict[str, str]], **others: object) -> dict[str, object]:
    affected = {"package": {"ecosystem": "PyPI", "name": package}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": name, "modified": "2030-01-02T03:04:05Z", "aliases": ["CVE-2"], "affected": [affected], **others}


def archive(folder: Path, *records: dict[str, object]) -> Path:
    with zipfile.ZipFile(folder / "all.zip", "w") as members:
        for each in records:
            members.writestr(f"{each['id']}.json", json.dumps(each))
    return folder / "all.zip"


def test_the_report_is_written_anew_from_the_records_of_osv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = {"package": "a-b", "id": "P-1", "reason": "the parser that it is about is never called"}
    (tmp_path / "lock").write_text("a-b==1.5 \\\n    --hash=x\nplain==2 ; sys_platform == 'win32' \\\n    --hash=y\n")
    (tmp_path / "report").write_text(json.dumps({"exceptions": [reason], "packages": {"gone": []}}))
    listed = {"package": {"ecosystem": "PyPI", "name": "a-b"}, "ranges": [{"type": "GIT"}], "versions": ["1.1"]}
    elsewhere = {"package": {"ecosystem": "npm", "name": "plain"}, "versions": ["2"]}
    held = archive(
        tmp_path,
        osv("P-1", "A_b", [{"fixed": "1.2"}, {"introduced": "0"}, {"introduced": "1.4"}]),
        osv("P-2", "a-b", [{"introduced": "0"}], withdrawn="2030-01-01T00:00:00Z"),
        osv("P-3", "unlocked", [{"introduced": "0"}], modified="2030-02-01T00:00:00Z"),
        osv("P-4", "unlocked", [{"introduced": "no version"}]),
        osv("P-0", "", [], affected=[listed, elsewhere]),
    )
    main([str(held), "--report", str(tmp_path / "report"), "--lock", str(tmp_path / "lock")])
    found = json.loads((tmp_path / "report").read_text())
    assert (found["as_of"], found["exceptions"], found["packages"]["plain"]) == ("2030-02-01", [reason], [])
    assert found["packages"]["a-b"] == [
        {"id": "P-0", "aliases": ["CVE-2"], "versions": ["1.1"]},
        {"id": "P-1", "aliases": ["CVE-2"], "ranges": [{"introduced": "0", "fixed": "1.2"}, {"introduced": "1.4"}]},
    ]
    assert found["packages"].keys() == {"a-b", "plain"}
    assert "a-b 1.5 is affected by P-1\n" in capsys.readouterr().out


def test_an_archive_that_is_none_is_refused_and_the_report_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all.zip").write_text("not found")
    before = REPORT.read_text()
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "all.zip")])
    assert (ended.value.code, REPORT.read_text()) == (2, before)
    assert f"not a zip file, reading {tmp_path / 'all.zip'}" in capsys.readouterr().err
