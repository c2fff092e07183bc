"""What is installed: only what the lock names, whole by its hashes, from an index, under licences that ask for nothing.

Known vulnerabilities are not looked up here, for want of a database without a network: `make audit` asks for them.
"""

import re
from importlib.metadata import Distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flows.settings import ROOT

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
    text = (ROOT / "requirements.lock").read_text()
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
