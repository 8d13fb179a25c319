"""Command lines that pages show are command lines that `walkprint` understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from app.cli import cli
from tests.docs.pages import REPOSITORY

_PAGES = sorted(
    page.relative_to(REPOSITORY).as_posix()
    for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    if "walkprint" in page.read_text(encoding="utf-8")
)
_FENCED = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`((?:[A-Z_]+=\S+ )*walkprint [^`]+)`")


def _lines(text: str) -> list[str]:
    """The command lines of a page, in blocks and in sentences."""
    fenced = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    # In sentences `walkprint enroll|identify` and `walkprint keys …` stand for more than one.
    quoted = [line for line in _QUOTED.findall(text) if not re.search(r"[|…]|\.\.\.", line)]
    found = [re.search(r"(?:^|/| )walkprint (.*)$", line) for line in fenced]
    inside = [match[1] for match in found if match and not _line_of_output(match.string)]
    return [*inside, *(line[line.index("walkprint ") + 10 :] for line in quoted)]


def _line_of_output(line: str) -> bool:
    """Whether a line of a block says something about walkprint rather than calling it."""
    before = r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:docker compose \S+ \S+ )?(?:\.venv/bin/)?"
    call = rf"^{before}walkprint "
    return re.match(call, line) is None


@pytest.mark.parametrize("page", _PAGES)
def test_commands_and_options_on_a_page_exist(page: str) -> None:
    text = (REPOSITORY / Path(page)).read_text(encoding="utf-8")
    for line in _lines(text):
        words = shlex.split(line.split("  #")[0].split(" # ")[0])
        command = typer.main.get_command(cli)
        while words and words[0] in (getattr(command, "commands", None) or {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        if inner is not None:
            assert not words or words[0].startswith("-"), f"{page}: walkprint {line}"
        names = {n for one in command.params for n in (*one.opts, *one.secondary_opts)}
        known = names | {"--help", "-h", "--install-completion", "--show-completion"}
        given = {word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
        assert given <= known, f"{page}: walkprint {line}"
