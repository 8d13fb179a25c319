"""`walkprint backup` and `walkprint restore`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.registry import Registry
from app.worker.instance import FolderInUse, Instance, alone_in
from tests.app.command import Run, runner
from tests.enrolling import enroll, unit_vector


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command."""
    return runner(capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one subject in its database."""
    folder = tmp_path / "data"
    registry = Registry.open(f"sqlite:///{folder / 'walkprint.db'}")
    registry.migrate()
    enroll(registry, "ada", [unit_vector(1)])
    registry.close()
    return folder


def test_a_restore_says_who_comes_back_and_keeps_what_was_there(
    run: Run, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    backed_up = run("backup", file, "--data", data)
    registry = Registry.open(f"sqlite:///{data / 'walkprint.db'}")
    registry.subjects.delete("ada")
    registry.close()

    restored = run("restore", file, "--data", data, "--keep", "--yes")

    said = " ".join(restored.err.split())
    assert (backed_up.code, restored.code) == (0, 0)
    assert "The backup holds 1 people with 1 walks" in said
    assert "1 people who are not in the present database come back" in said
    assert len(list(data.glob("walkprint-before-*.db"))) == 1
    registry = Registry.open(f"sqlite:///{data / 'walkprint.db'}")
    assert registry.subjects.get("ada").walks == 1
    registry.close()


def test_a_restore_that_is_not_confirmed_changes_nothing(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", tmp_path / "backup.db", "--data", data)
    before = (data / "walkprint.db").read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    said = run("restore", tmp_path / "backup.db", "--data", data)

    assert said.code != 0
    assert (data / "walkprint.db").read_bytes() == before


def test_a_restore_waits_for_no_running_service_but_refuses(
    run: Run, data: Path, tmp_path: Path
) -> None:
    run("backup", tmp_path / "backup.db", "--data", data)
    instance = Instance.enter(data / "instances")

    said = run("restore", tmp_path / "backup.db", "--data", data, "--yes")
    instance.leave()
    afterwards = run("restore", tmp_path / "backup.db", "--data", data, "--yes")

    assert said.code == 1
    assert "stop it first" in " ".join(said.err.split())
    assert afterwards.code == 0


def test_a_killed_service_does_not_stand_in_the_way(data: Path) -> None:
    instance = Instance.enter(data / "instances")
    with pytest.raises(FolderInUse), alone_in(data / "instances"):
        pass

    instance.drop()

    with alone_in(data / "instances"):
        pass


def test_postgresql_has_tools_of_its_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", "postgresql://somebody@localhost/walkprint")
    (tmp_path / "backup.db").touch()

    backed_up = run("backup", tmp_path / "new.db", "--data", tmp_path)
    restored = run("restore", tmp_path / "backup.db", "--data", tmp_path)

    assert (backed_up.code, restored.code) == (1, 1)
    assert "pg_dump" in backed_up.err
    assert "pg_restore" in restored.err
