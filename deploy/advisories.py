"""Known vulnerabilities of what requirements.lock names: what the pinned report says, and how it is written anew.

The report, `advisories.json`, keeps of every advisory its id, aliases and affected ranges, in the terms of OSV
(https://ossf.github.io/osv-schema/): affected from `introduced` on, to before `fixed` or up to `last_affected`.
Explicit `versions` stand where an advisory has no range. `--help` tells how to write it from OSV's own records.
"""

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "deploy" / "advisories.json"
OSV = "OSV's records of PyPI, https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip (CC-BY 4.0)"

Advisory = dict[str, Any]
Report = dict[str, Any]


def pinned(lock: str) -> list[tuple[str, str]]:
    """Return name and version of every entry of a lock, of every platform and interpreter."""
    return [(canonicalize_name(name), pin) for name, pin in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, flags=re.M)]


def affects(advisory: Advisory, version: str) -> bool:
    """Say whether a version is in one of an advisory's ranges, or among its versions."""
    found = Version(version)
    return any(_within(span, found) for span in advisory.get("ranges", [])) or any(
        _same(each, found) for each in advisory.get("versions", [])
    )


def _within(span: dict[str, str], version: Version) -> bool:
    if span["introduced"] != "0" and version < Version(span["introduced"]):
        return False
    if "fixed" in span:
        return version < Version(span["fixed"])
    return "last_affected" not in span or version <= Version(span["last_affected"])


def _same(listed: str, version: Version) -> bool:
    try:
        return Version(listed) == version
    except InvalidVersion:  # spellings of before PEP 440; no locked version is one
        return False


def findings(report: Report, pins: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return package, version and advisory of every pinned version that is affected."""
    return [
        (name, version, advisory["id"])
        for name, version in pins
        for advisory in report["packages"].get(name, [])
        if affects(advisory, version)
    ]


def spans(events: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return the ranges that OSV's events open and close."""
    found: list[dict[str, str]] = []
    for kind, version in sorted((pair for event in events for pair in event.items()), key=_place):
        if kind == "introduced":
            found.append({kind: version})
        elif found and kind in ("fixed", "last_affected"):
            found[-1].setdefault(kind, version)
    return found


def _place(event: tuple[str, str]) -> tuple[bool, Version, bool]:
    kind, version = event
    return version != "0", Version(version), kind == "introduced"


def advisories(record: dict[str, Any], names: Container[str]) -> Iterator[tuple[str, Advisory]]:
    """Yield package and advisory of every named package of PyPI in an OSV record; nothing of a withdrawn one."""
    for affected in [] if record.get("withdrawn") else record.get("affected", []):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        if package.get("ecosystem") != "PyPI" or name not in names:
            continue
        kept: Advisory = {"id": record["id"], "aliases": sorted(record.get("aliases", []))}
        ranges = [each for each in affected.get("ranges", []) if each["type"] == "ECOSYSTEM"]
        if ranges:
            yield name, kept | {"ranges": [span for each in ranges for span in spans(each["events"])]}
        elif affected.get("versions"):
            yield name, kept | {"versions": affected["versions"]}


def rewritten(report: Report, records: Iterable[dict[str, Any]], names: Iterable[str]) -> Report:
    """Return the report anew for these packages, as of the newest of OSV's records; its exceptions stay."""
    packages: dict[str, list[Advisory]] = {name: [] for name in sorted(set(names))}
    newest = ""
    for record in records:
        newest = max(newest, record["modified"][:10])
        for name, advisory in advisories(record, packages):
            packages[name].append(advisory)
    for each in packages.values():
        each.sort(key=lambda advisory: str(advisory["id"]))
    return {"source": OSV, "as_of": newest, "partial": {}, "exceptions": report["exceptions"], "packages": packages}


def records(archive: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of OSV's archive of an ecosystem: one JSON file each."""
    with zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            if name.endswith(".json"):
                yield json.loads(members.read(name))


def written(report: Report) -> str:
    """Return the report as text, one advisory a line."""
    head = json.dumps({key: value for key, value in report.items() if key != "packages"}, indent=1)
    packages = [
        f"  {json.dumps(name)}: ["
        + ",".join(f"\n   {json.dumps(each)}" for each in report["packages"][name])
        + ("\n  ]" if report["packages"][name] else "]")
        for name in sorted(report["packages"])
    ]
    return head.removesuffix("\n}") + ',\n "packages": {\n' + ",\n".join(packages) + "\n }\n}\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the pinned report anew from OSV's archive."""
    parser = argparse.ArgumentParser(description="Write the pinned report of known vulnerabilities from OSV's archive.")
    parser.add_argument("archive", type=Path, help="OSV's all.zip of PyPI; `make advisories` fetches it")
    parser.add_argument("--report", type=Path, default=REPORT, help="the report (deploy/advisories.json)")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock", help="the lock (requirements.lock)")
    given = parser.parse_args(arguments)
    try:
        pins = pinned(given.lock.read_text())
        report = rewritten(json.loads(given.report.read_text()), records(given.archive), [name for name, _ in pins])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        parser.error(f"{error}, reading {given.archive}, {given.report} and {given.lock}")
    given.report.write_text(written(report))
    for name, version, advisory in findings(report, pins):
        sys.stdout.write(f"{name} {version} is affected by {advisory}\n")
    count = sum(map(len, report["packages"].values()))
    sys.stdout.write(f"{given.report}: {len(report['packages'])} packages, {count} advisories, {report['as_of']}\n")


if __name__ == "__main__":
    main()
