"""`walkprint keys`: the first key is made where the database is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.registry import Registry
from app.settings import Settings
from tests.app.command import Run, runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def test_a_key_is_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    """Its text alone is on standard output, so that a script can keep it."""
    made = run(
        "keys", "create", "front door", "--scope", "identify", "--gallery", "office",
        "--days", "30", "--per-minute", "10", "--data", tmp_path,
    )  # fmt: skip
    text = made.out.strip()
    assert made.code == 0
    assert re.fullmatch(r"wp_[a-z0-9]{10}_[A-Za-z0-9_-]{43}", text)
    assert text not in made.err
    listed = run("keys", "list", "--json", "--data", tmp_path)
    assert text not in listed.out
    (row,) = json.loads(listed.out)
    assert (row["label"], row["scopes"], row["galleries"]) == (
        "front door",
        ["identify"],
        ["office"],
    )
    assert row["created_by"].startswith("cli:")
    assert "front door" in run("keys", "list", "--data", tmp_path).out
    registry = Registry.open(Settings(data=tmp_path).resolved_database_url)
    assert registry.keys.authenticate(text) is not None
    assert run("keys", "revoke", text, "--data", tmp_path).code == 0
    assert registry.keys.authenticate(text) is None
    registry.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "door", "--scope", "everything"), "no scope 'everything'"),
        (("revoke", "nobody"), "No key has this id"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    refused = run("keys", *words, "--data", tmp_path)
    assert refused.code == 1
    assert said in " ".join(refused.err.split())
