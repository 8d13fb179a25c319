"""Backups of the SQLite database, and what comes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.registry import Registry
from app.registry.backup import CannotBackUp, CannotRestore, back_up, plan_restore, restore
from tests.enrolling import enroll, enroll_job, unit_vector


@pytest.fixture
def database(sqlite_url: str) -> Path:
    """The file of an empty database."""
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def running(database: Path) -> Iterator[Registry]:
    """A registry on it, open as in a running service."""
    registry = Registry.open(f"sqlite:///{database}")
    yield registry
    registry.close()


def _reopened(database: Path) -> Registry:
    return Registry.open(f"sqlite:///{database}")


def test_a_backup_of_a_running_service_brings_everything_back(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    enroll(running, "ada", [unit_vector(1)], name="Ada")
    with running._database.read() as reading:  # somebody reads all the while
        reading.exec_driver_sql("SELECT count(*) FROM subjects").scalar_one()
        size_bytes = back_up(database, file)
    running.subjects.delete("ada")
    enroll(running, "bob", [unit_vector(2)])
    running.close()

    plan = plan_restore(file, database)
    restore(file, database)

    assert (file.stat().st_mode & 0o777, size_bytes) == (0o600, file.stat().st_size)
    assert (plan.subjects, plan.walks, plan.come_back, plan.are_lost) == (1, 1, 1, 1)
    restored = _reopened(database)
    assert [subject.name for subject in restored.subjects.list().subjects] == ["Ada"]
    assert restored.subjects.get("ada").walks == 1
    restored.close()


def test_a_restored_database_is_in_another_epoch(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    before = running.epoch()
    back_up(database, tmp_path / "backup.db")
    running.close()

    restore(tmp_path / "backup.db", database)

    restored = _reopened(database)
    assert restored.epoch() != before
    restored.close()


def test_nothing_of_who_was_erased_is_in_a_backup(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    for number in range(30):
        enroll(running, f"s{number}", [unit_vector(number)], name=f"Secret {number}" * 9)
    for number in range(30):
        running.subjects.delete(f"s{number}")

    back_up(database, tmp_path / "backup.db")

    assert b"Secret" not in (tmp_path / "backup.db").read_bytes()


def test_the_replaced_database_goes_unless_it_is_kept(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    back_up(database, tmp_path / "backup.db")
    enroll(running, "ada", [unit_vector(1)])
    running.close()

    restore(tmp_path / "backup.db", database, keep_as=tmp_path / "kept.db")
    kept = _reopened(tmp_path / "kept.db")
    assert kept.subjects.get("ada").walks == 1
    kept.close()

    restore(tmp_path / "backup.db", database)
    assert {path.name for path in database.parent.glob("walkprint*")} == {"walkprint.db"}


def test_the_log_of_the_replaced_database_is_not_applied_to_the_new_one(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    back_up(database, tmp_path / "backup.db")
    enroll(running, "ada", [unit_vector(1)])
    log = Path(f"{database}-wal").read_bytes()
    running.close()
    Path(f"{database}-wal").write_bytes(log)  # as after a kill

    restore(tmp_path / "backup.db", database)

    restored = _reopened(database)
    assert restored.subjects.list().subjects == ()
    restored.close()


def test_unfinished_jobs_do_not_come_back(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    running.jobs.add(enroll_job("default", "ada"))
    back_up(database, tmp_path / "backup.db")
    running.close()

    restore(tmp_path / "backup.db", database)

    with closing(sqlite3.connect(database)) as restored:
        assert restored.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_backup_writes_over_nothing(running: Registry, database: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_bytes(b"precious")

    with pytest.raises(CannotBackUp, match="exists"):
        back_up(database, tmp_path / "backup.db")
    with pytest.raises(CannotBackUp, match="no database"):
        back_up(tmp_path / "nowhere.db", tmp_path / "other.db")

    assert (tmp_path / "backup.db").read_bytes() == b"precious"


def test_a_database_that_cannot_be_read_can_be_replaced(
    running: Registry, database: Path, tmp_path: Path
) -> None:
    enroll(running, "ada", [unit_vector(1)])
    back_up(database, tmp_path / "backup.db")
    running.close()
    database.write_bytes(b"not a database" * 1000)

    plan = plan_restore(tmp_path / "backup.db", database)
    restore(tmp_path / "backup.db", database)

    assert (plan.come_back, plan.are_lost) == (None, None)
    restored = _reopened(database)
    assert restored.subjects.get("ada").walks == 1
    restored.close()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-8192])


def _scribble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    file.write_bytes(bytes(content))


def _replace(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 something else")


def _age(file: Path) -> None:
    _run(file, "UPDATE alembic_version SET version_num = '9999'")


def _spike(file: Path) -> None:
    _run(
        file,
        "CREATE TRIGGER spy AFTER INSERT ON subjects BEGIN DELETE FROM walks; END",
    )


def _run(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_cut, "damaged"),
        (_scribble, "damaged"),
        (_replace, "not a backup"),
        (_age, "newer version"),
        (_spike, "holds more"),
    ],
)
def test_a_file_that_is_no_backup_is_refused(
    running: Registry, database: Path, tmp_path: Path, spoil: object, reason: str
) -> None:
    file = tmp_path / "backup.db"
    back_up(database, file)
    assert callable(spoil)
    spoil(file)

    with pytest.raises(CannotRestore, match=reason):
        plan_restore(file, database)
