"""The SQLite database as one file, taken while the service runs, and put back while it does not.

Everything a service knows is in its database: people, walks, images, templates, checkpoints, jobs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import delete

from app.registry.audit import note
from app.registry.database import Database
from app.registry.facts import end_epoch
from app.registry.migration import alembic_config, upgrade
from app.registry.signing import Signer
from app.registry.tables import jobs

_SIDE_FILES = ("-wal", "-shm")


class CannotBackUp(Exception):
    """The backup was not made; the message says why and what to do."""


class CannotRestore(Exception):
    """Nothing was changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do.

    Attributes:
        subjects: how many are in the backup.
        walks: likewise.
        come_back: subjects of the backup who are not in the present database; None where that
            cannot be read.
        are_lost: subjects of the present database who are not in the backup; None likewise.
    """

    subjects: int
    walks: int
    come_back: int | None
    are_lost: int | None


def back_up(database: Path, file: Path, *, signer: Signer | None = None) -> int:
    """Writes all that is committed at this instant to a file that only its owner may read.

    Readers and writers go on meanwhile. The copy holds no remains of erased rows, which the
    database itself may hold for some minutes: it is written row by row, not page by page. The audit
    log, and with it the backup, says before that it is made.

    Args:
        database: the SQLite file of a service, which may be running.
        file: must not exist.
        signer: signs the audit log.

    Returns:
        Size of the file in bytes.

    Raises:
        CannotBackUp: there is no database, or the file exists.
    """
    if not database.is_file():
        raise CannotBackUp(f"There is no database at {database}: name the data folder with --data.")
    if file.exists():
        raise CannotBackUp(f"{file} exists; name another file, or remove it first.")
    part = file.with_name(f"{file.name}.part")
    try:
        _make_private(part)
        _note(database, signer)
        with closing(sqlite3.connect(database, timeout=60.0, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            # Counts erasures that left something behind: here none did.
            copy.execute("PRAGMA user_version = 0")
        _sync(part)
        part.replace(file)
        _sync(file.parent)
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def plan_restore(file: Path, database: Path) -> RestorePlan:
    """Checks a backup, and compares it with what is there. Changes nothing.

    Args:
        file: the backup.
        database: the SQLite file it would replace; need not exist.

    Raises:
        CannotRestore: the file is damaged, no backup, or from a newer version.
    """
    with _opened(file) as backup:
        _check(backup, file)
        there = _subjects(backup)
        walk_count = int(backup.execute("SELECT count(*) FROM walks").fetchone()[0])
    present = _subjects_of(database)
    return RestorePlan(
        subjects=len(there),
        walks=walk_count,
        come_back=None if present is None else len(there - present),
        are_lost=None if present is None else len(present - there),
    )


def restore(
    file: Path, database: Path, *, keep_as: Path | None = None, signer: Signer | None = None
) -> None:
    """Puts a backup in the place of the database, in a new epoch. No service may be running.

    What is unfinished in the backup is left out: the recordings of those jobs are gone.

    Args:
        file: a backup that `plan_restore` has checked.
        database: where to.
        keep_as: where the present database goes; None deletes it.
        signer: signs the audit log, which goes on from where the backup ends and names the end that
            it had here.
    """
    part = database.with_name(f"{database.name}.restoring")
    _remove(part)
    try:
        _make_private(part)
        with _opened(file) as backup:
            backup.execute("VACUUM INTO ?", (str(part),))
        opened = Database(f"sqlite:///{part}", signer=signer)
        upgrade(opened)
        with opened.write() as connection:
            end_epoch(connection)
            connection.execute(delete(jobs).where(jobs.c.state.in_(("queued", "running"))))
            replaced = _head_of(database)
            note(
                connection,
                "backup.restored",
                replaced_seq=None if replaced is None else replaced[0],
                replaced_hash=None if replaced is None else replaced[1].hex(),
            )
        opened.close()
        # One file again, without a log beside it.
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
        _sync(part)
        _put_aside(database, keep_as)
        part.replace(database)
        _sync(database.parent)
    finally:
        _remove(part)


def kept_name(database: Path, now: datetime) -> Path:
    """Where a restore keeps the database that it replaces."""
    return database.with_name(f"{database.stem}-before-{now:%Y%m%dT%H%M%SZ}{database.suffix}")


def _put_aside(database: Path, keep_as: Path | None) -> None:
    """Moves or deletes the present database; its log first, which SQLite would apply to the new."""
    for suffix in (*_SIDE_FILES, ""):
        present = Path(f"{database}{suffix}")
        if keep_as is None and suffix:
            present.unlink(missing_ok=True)
        elif keep_as is not None and present.exists():
            present.rename(f"{keep_as}{suffix}")


def _check(backup: sqlite3.Connection, file: Path) -> None:
    try:
        verdict = backup.execute("PRAGMA integrity_check(1)").fetchone()[0]
        extras = {
            row[0]
            for row in backup.execute(
                "SELECT sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
            )
        }
        revisions = [row[0] for row in backup.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.DatabaseError as error:
        raise CannotRestore(
            f"{file} is not a backup of Walkprint, or is damaged: {error}."
        ) from None
    if verdict != "ok":
        raise CannotRestore(f"{file} is damaged: {verdict}. Use an older backup.")
    scripts = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
    ours = {sql for script in scripts for sql in getattr(script.module, "SQLITE_TRIGGERS", ())}
    if extras - ours:
        raise CannotRestore(f"{file} holds more than Walkprint writes: it is no backup of it.")
    known = {script.revision for script in scripts}
    if len(revisions) != 1 or revisions[0] not in known:
        raise CannotRestore(
            f"{file} was made by a newer version of Walkprint: restore it with that version."
        )


def _note(database: Path, signer: Signer | None) -> None:
    """Notes a backup; not in a database without a log, as older versions leave it."""
    if _head_of(database) is None:
        return
    opened = Database(f"sqlite:///{database}", signer=signer)
    try:
        with opened.write() as connection:
            note(connection, "backup.made")
    finally:
        opened.close()


def _head_of(database: Path) -> tuple[int, bytes] | None:
    """The end of a database's audit log; None where there is none, or it cannot be read."""
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as present:
            row = present.execute("SELECT seq, hash FROM audit_head").fetchone()
    except sqlite3.DatabaseError:
        return None
    return None if row is None else (int(row[0]), bytes(row[1]))


def _subjects(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    rows = connection.execute(
        "SELECT galleries.name, subjects.external_id FROM subjects"
        " JOIN galleries ON galleries.id = subjects.gallery_id"
    )
    return {(row[0], row[1]) for row in rows}


def _subjects_of(database: Path) -> set[tuple[str, str]] | None:
    """None of a database that cannot be read: often the reason for a restore."""
    if not database.is_file():
        return set()
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as present:
            return _subjects(present)
    except sqlite3.DatabaseError:
        return None


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A backup, opened so that nothing can change it; `immutable`, for it has no log beside it."""
    try:
        connection = sqlite3.connect(
            f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
        )
    except sqlite3.OperationalError as error:
        raise CannotRestore(f"{file} cannot be opened: {error}.") from None
    with closing(connection):
        yield connection


def _make_private(file: Path) -> None:
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _remove(file: Path) -> None:
    for suffix in ("", *_SIDE_FILES):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
