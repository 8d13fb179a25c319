"""`walkprint encryption`, and what a service says that has not the right master key."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.registry import Registry
from tests.app.command import Run, Said, runner
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.sealing import KEY, OTHER_KEY, master_keys_of


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command."""
    return runner(capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one subject in its database, not encrypted."""
    folder = tmp_path / "data"
    registry = Registry.open(f"sqlite:///{folder / 'walkprint.db'}")
    registry.migrate()
    enroll(registry, "ada", [unit_vector(1)])
    registry.close()
    return folder


@pytest.fixture
def key_file(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new master key, set as an operator would."""
    file = tmp_path / "keys" / "master.key"
    file.parent.mkdir()
    assert run("encryption", "new-key", file).code == 0
    monkeypatch.setenv("WALKPRINT_MASTER_KEY_FILE", str(file))
    return file


def serve(data: Path) -> Said:
    """Runs a service that should refuse to start: in its own process, whose log it sets up."""
    ended = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--data", str(data)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Said(ended.returncode, ended.stdout, ended.stderr)


def status(run: Run, data: Path) -> dict[str, object]:
    """What `encryption status` says."""
    said: dict[str, object] = json.loads(run("encryption", "status", "--json", "--data", data).out)
    return said


def test_a_database_is_encrypted_rotated_and_read_with_the_last_key_alone(
    run: Run, data: Path, key_file: Path
) -> None:
    assert status(run, data)["templates_plain"] == 1
    assert run("encryption", "apply", "--data", data).code == 0
    encrypted = status(run, data)
    assert (encrypted["templates"], encrypted["templates_plain"]) == (1, 0)
    first = encrypted["current"]

    assert run("encryption", "new-key", key_file).code == 0
    assert run("encryption", "rotate", "--data", data).code == 0
    key_file.write_text(key_file.read_text().splitlines()[0])

    rotated = status(run, data)
    assert rotated["current"] != first
    assert rotated["masters_in_use"] == [rotated["current"]]
    registry = Registry.open(
        f"sqlite:///{data / 'walkprint.db'}", master_keys=master_keys_of(key_file.read_text())
    )
    found = registry.templates.of_subject("ada", "default", CHECKPOINT)
    assert (found.vectors_nd == [unit_vector(1)]).all()
    registry.close()


def test_a_key_file_is_for_its_owner_alone(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_a_printed_key_can_be_set(run: Run) -> None:
    assert master_keys_of(run("encryption", "new-key").out.strip())()


def test_nothing_is_encrypted_without_a_key(run: Run, data: Path) -> None:
    refused = run("encryption", "apply", "--data", data)
    assert refused.code == 1
    assert "No master key is set" in " ".join(refused.err.split())
    assert status(run, data)["current"] is None


@pytest.mark.parametrize("key", [None, OTHER_KEY], ids=["without a key", "with another key"])
def test_a_service_refuses_to_start_where_it_could_read_nothing(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("WALKPRINT_MASTER_KEY", KEY)
    assert run("encryption", "apply", "--data", data).code == 0
    if key is None:
        monkeypatch.delenv("WALKPRINT_MASTER_KEY")
    else:
        monkeypatch.setenv("WALKPRINT_MASTER_KEY", key)
    refused = serve(data)
    assert refused.code == 1
    said = " ".join(refused.err.split())
    assert f"encrypted under the master key {master_keys_of(KEY)().current.fingerprint}" in said
    assert "Traceback" not in said


def test_a_service_refuses_a_key_that_is_none_and_does_not_repeat_it(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALKPRINT_MASTER_KEY", "not-a-key-but-secret")
    refused = serve(data)
    assert refused.code == 1
    assert "not 32 bytes in base64" in " ".join(refused.err.split())
    assert "not-a-key-but-secret" not in refused.err + refused.out


def test_two_places_for_the_key_are_one_too_many(
    run: Run, data: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALKPRINT_MASTER_KEY", KEY)
    refused = serve(data)
    assert refused.code == 1
    assert "not both" in refused.err
    assert KEY not in refused.err + refused.out
