"""Where pages come from: self-contained HTML of one style, nothing of which is fetched from anywhere."""

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"


@cache
def template(name: str) -> Template:
    """Return a template of `templates/`; what it is not given is an error."""
    loader = FileSystemLoader(TEMPLATES)
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return pages.get_template(name)
