"""Alerts: Prefect automations that send events of ours to one webhook, each kind its own, so that it can be muted.

Where to is `MICROVOL_ALERTS_WEBHOOK`, in the environment alone: such addresses are secrets. It lies in a notification
block on the server.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from flows import prefect_api
from flows.settings import Settings

VARIABLE: Final = "MICROVOL_ALERTS_WEBHOOK"
BLOCK: Final = "microvol-alerts"
BLOCK_TYPE: Final = "custom-webhook"
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "kill": ("kill",),
    "panic": ("panic",),
    "inventory": ("inventory",),
    "order faults": ("order_faults",),
    "stale data": ("stale",),
    "failed night": ("night.failed",),
    "drift": ("drift",),
    "disk": ("disk.low", "disk.full"),
    "died": ("died",),
    "canary": ("canary.rolled_back", "canary.passed"),
    "approval": ("approval.wanted",),
    "checks": ("check.failed",),
}
SUBJECT: Final = "{{ event.event }} {{ event.payload.symbol }}"
BODY: Final = (
    "{% for name, value in event.payload.items() %}{{ name }}: {{ 'none' if value is none else value }}\n{% endfor %}"
)


def apply(settings: Settings, say: Callable[[str], None]) -> None:
    """Make the block and the automations what they should be; without an address leave what there is alone."""
    url = os.environ.get(VARIABLE, "")
    if not url:
        say(f"alerts: no {VARIABLE}, events stay on the Prefect page")
        return
    block = _block(settings, url)
    known = _known(settings)
    for kind, names in KINDS.items():
        wanted = _automation(kind, names, block)
        held = known.get(wanted["name"])
        if held is None:
            prefect_api.call(settings, "POST", "automations/", wanted)
        else:  # one that was muted stays so
            prefect_api.call(settings, "PUT", f"automations/{held['id']}", wanted | {"enabled": held["enabled"]})
    say(f"alerts: {len(KINDS)} automations applied")


def _block(settings: Settings, url: str) -> str:
    """Return the id of the notification block, with this address in it."""
    kind = prefect_api.call(settings, "GET", f"block_types/slug/{BLOCK_TYPE}")["id"]
    found = prefect_api.call(settings, "POST", "block_documents/filter", _named(kind))
    data = {"name": BLOCK, "url": url, "method": "POST", "json_data": {"text": "{{subject}}\n{{body}}"}}
    if found:
        prefect_api.call(settings, "PATCH", f"block_documents/{found[0]['id']}", {"data": data})
        return str(found[0]["id"])
    schemas = {"block_schemas": {"block_type_id": {"any_": [kind]}}, "limit": 1}
    schema = prefect_api.call(settings, "POST", "block_schemas/filter", schemas)[0]["id"]
    body = {"name": BLOCK, "data": data, "block_type_id": kind, "block_schema_id": schema}
    return str(prefect_api.call(settings, "POST", "block_documents/", body)["id"])


def _named(kind: str) -> dict[str, Any]:
    return {"block_documents": {"block_type_id": {"any_": [kind]}, "name": {"any_": [BLOCK]}}}


def _known(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the automations on the server by their names."""
    found = prefect_api.call(settings, "POST", "automations/filter", {"limit": prefect_api.PAGE})
    return {each["name"]: each for each in found}


def _automation(kind: str, names: tuple[str, ...], block: str) -> dict[str, Any]:
    trigger = {
        "type": "event",
        "posture": "Reactive",
        "expect": [f"microvol.{name}" for name in names],
        "match": {},
        "for_each": [],
        "threshold": 1,
        "within": 0,
    }
    action = {"type": "send-notification", "block_document_id": block, "subject": SUBJECT, "body": BODY}
    return {
        "name": f"microvol: {kind}",
        "description": "Applied by microvol up; see docs/operations.md.",
        "enabled": True,
        "trigger": trigger,
        "actions": [action],
    }
