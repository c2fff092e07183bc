"""Every `microvol …` in the documents is a command that exists, with options that it has; whole lines also parse."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from flows.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`microvol ([^`]+)`")
CLI: Any = typer.main.get_command(app)


def whole_lines(text: str) -> Iterator[str]:
    """Yield the commands of a page's code blocks, those on one line apart, without comments."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r" && |; ", line.partition(" #")[0]):
                if part.startswith("microvol "):
                    yield re.sub(r" \d?> \S+", "", part.strip().removesuffix("&")).strip()


def named(words: list[str], group: Any = CLI) -> tuple[Any, list[str]]:
    """Return the command that words name, through groups of commands, and the words after its name."""
    while words and words[0].startswith("--"):  # options of the group itself, each with a value
        assert words[0] in {flag for each in group.params for flag in each.opts}, words[0]
        words = words[2:]
    assert words[0] in group.commands, f"{words[0]} is no command"
    command, rest = group.commands[words[0]], words[1:]
    deeper = hasattr(command, "commands") and rest and not rest[0].startswith("--")
    return named(rest, command) if deeper else (command, rest)


SHOWN = [f"{page.stem}: {line}" for page in PAGES for line in whole_lines(page.read_text())]


@pytest.mark.parametrize("shown", SHOWN)
def test_every_command_line_of_a_page_parses(shown: str) -> None:
    line = re.sub(r"\$\([^)]*\)", "2026-01-31", shown.partition(": ")[2])
    command, rest = named(shlex.split(line)[1:])
    command.make_context(command.name, rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_command_within_a_sentence_exists_and_has_the_options_named(page: Path) -> None:
    for mentioned in INLINE.findall(page.read_text().replace("COMMAND", "status")):
        command, rest = named(mentioned.split())
        flags = {flag for each in command.params for flag in each.opts}
        assert {word for word in rest if word.startswith("--")} <= flags | {"--help"}, mentioned


def test_the_pages_show_commands_at_all() -> None:
    assert len(SHOWN) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_make_target_and_every_module_to_run_exists(page: Path) -> None:
    text, makefile = page.read_text(), (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
    modules = re.findall(r"python -m ([a-z_.]+)", text)
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
