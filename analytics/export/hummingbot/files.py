"""The files of an exported controller, each whole or absent: Hummingbot reads its configuration again every 10 s."""

import ast
import re
from pathlib import Path
from typing import Any, Final

import yaml

from analytics.export.common import check_folder
from analytics.export.hummingbot import templates
from analytics.export.hummingbot.bundle import Place
from analytics.export.hummingbot.fields import CONTROLLER, config_fields
from analytics.export.hummingbot.strategy_module import strategy_source
from strategy.errors import Failed
from strategy.policies.document import ParameterDocument, write_atomically

PACKAGE: Final = "controllers.market_making"  # where Hummingbot looks, from its working directory
STRATEGY: Final = f"{CONTROLLER}_strategy"
MODULES: Final = {"controller": CONTROLLER, "market": f"{CONTROLLER}_market", "executors": f"{CONTROLLER}_executors"}
ROOMS: Final = ("analytics.", "strategy.")
HEAD: Final = """\
# Version {version} of {symbol} on {venue} for Hummingbot's {controller} controller, by `microvol export hummingbot`.
# Exporting another version to the same folder replaces this file, and a running controller takes it over.
# In `strategy`: ticks, lots, atoms (a tick times a lot), ns, bps of the reference price; .inf switches a rule off.
"""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes lists of numbers on one line."""


def _list(dumper: Any, data: list[Any]) -> Any:
    numbers = not any(isinstance(each, dict) for each in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Dumper.add_representer(list, _list)


def export_hummingbot(document: ParameterDocument, connector: str, out: Path) -> list[Path]:
    """Write the controller's modules and the configuration into a Hummingbot folder; return the files' paths."""
    check_folder(out)
    fields = config_fields(document, connector)
    config = out / "conf" / "controllers" / f"{fields['id']}.yml"
    contents = {out / "controllers" / "market_making" / name: text for name, text in sources(document).items()}
    contents[config] = config_text(document, fields)
    for path, text in contents.items():
        _write(path, text)
    return list(contents)


def config_text(document: ParameterDocument, fields: dict[str, Any]) -> str:
    """Return the configuration file."""
    instrument = document.instrument
    head = HEAD.format(
        version=document.version, symbol=instrument.symbol, venue=instrument.venue, controller=CONTROLLER
    )
    return head + str(yaml.dump(fields, Dumper=_Dumper, sort_keys=False, width=120))


def sources(document: ParameterDocument) -> dict[str, str]:
    """Return the modules' sources by file name."""
    folder = Path(templates.__file__).parent
    originals = {name: (folder / f"{name}.py").read_text() for name in MODULES}
    places = sorted({place for text in originals.values() for place in _from_rooms(text)})
    texts = {STRATEGY: strategy_source(document.parameters, places)}
    texts |= {MODULES[name]: _beside(text) for name, text in originals.items()}
    return {f"{name}.py": text for name, text in texts.items()}


def _from_rooms(text: str) -> list[Place]:
    """Return what a template imports from the rooms, other templates left out."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    modules = [(node, node.module or "") for node in nodes]
    return [
        (module, each.name)
        for node, module in modules
        if module.startswith(ROOMS) and not module.startswith(f"{templates.__name__}.")
        for each in node.names
    ]


def _beside(text: str) -> str:
    """Return a template with its imports from the rooms pointed at the files beside it."""
    for name, module in MODULES.items():
        text = text.replace(f"from {templates.__name__}.{name} import", f"from {PACKAGE}.{module} import")
    return re.sub(r"^from (?:analytics|strategy)\.\S+ import", f"from {PACKAGE}.{STRATEGY} import", text, flags=re.M)


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror or error}") from error
