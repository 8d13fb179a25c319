"""The command line explains itself: an example for every command, and shells that complete."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import cli
from tests.app.command import runner

_BROKEN_LINE = re.compile(r"\\\n\s*")


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that lead to it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from _commands(one, (*path, name))


_ALL = dict(_commands(typer.main.get_command(cli)))


@pytest.mark.parametrize("path", _ALL, ids=" ".join)
def test_the_help_of_every_command_has_examples_that_the_command_understands(
    path: tuple[str, ...],
) -> None:
    command = _ALL[path]
    text = _BROKEN_LINE.sub(" ", command.help or "")
    examples = re.findall(r"^ *((?:[A-Z_]+=\S+ )*walkprint .*)$", text, re.MULTILINE)
    words = [shlex.split(line.split("  #")[0]) for line in examples]
    own = [line[line.index("walkprint") + 1 :] for line in words]
    own = [line[len(path) :] for line in own if tuple(line[: len(path)]) == path]
    assert own, f"walkprint {' '.join(path)} --help shows no example"
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    arguments = [option for option in command.params if option.param_type_name == "argument"]
    for example in own:
        given = {word.split("=")[0] for word in example if word.startswith("-") and len(word) > 1}
        assert given <= known, f"{example} has options that the command does not know"
        if not arguments:
            assert not example or example[0].startswith("-"), f"{example}: takes no arguments"


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("walkprint gal", {"galleries"}),
        ("walkprint keys ", {"create", "list", "revoke"}),
        ("walkprint identify --targ", {"--target-fpir"}),
    ],
)
def test_a_shell_completes_commands_and_options(line: str, completed: set[str]) -> None:
    environment = {
        **os.environ,
        "_WALKPRINT_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    said = subprocess.run(
        [sys.executable, "-m", "app.cli"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(said.stdout.split()) == completed


def test_the_script_for_a_shell_names_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "app.cli"],
        env={**os.environ, "_WALKPRINT_COMPLETE": "source_zsh"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "compdef _walkprint_completion walkprint" in said.stdout


@pytest.mark.parametrize("command", [["serve"], ["keys", "list"], ["worker"]])
def test_a_database_of_another_kind_is_refused_in_a_sentence(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", "mysql://walkprint:secret@host/name")
    said = runner(capsys)(*command)
    assert said.code == 1
    assert "it must begin with sqlite:///path or postgresql://" in " ".join(said.err.split())
    assert "secret" not in said.err
    assert "Traceback" not in said.err


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = runner(capsys)("serve", "--port", port, "--data", tmp_path)
    assert said.code == 1
    assert "choose another port" in " ".join(said.err.split())
    assert "checkpoint loaded" not in said.out + said.err
