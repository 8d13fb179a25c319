"""How deeds get into the log: with their transaction or not at all, one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.registry.acting import acting_as
from app.registry.audit import note
from app.registry.audit.chain import read_head
from app.registry.database import Database
from app.registry.signing import Signer
from tests.app.registry.conftest import Clock


@pytest.fixture
def database(database_url: str, clock: Clock, signer: Signer) -> Iterator[Database]:
    """An empty database whose log is signed."""
    opened = Database(database_url, clock=clock, signer=signer)
    yield opened
    opened.close()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Somebody else's way into the same database."""
    opened = create_engine(database_url)
    yield opened
    opened.dispose()


def entries_of(database: Database) -> list[dict[str, object]]:
    """All entries, parsed."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT entry FROM audit ORDER BY seq")).scalars()
        return [json.loads(row) for row in rows]


def test_an_entry_says_who_did_what_and_when(database: Database) -> None:
    with acting_as("key:abc"), database.write() as connection:
        note(connection, "subject.moved", subject=7, gallery=1, to=2)

    assert entries_of(database) == [
        {
            "seq": 1,
            "time": "2026-01-01T12:00:00.000000+00:00",
            "actor": "key:abc",
            "action": "subject.moved",
            "details": {"subject": 7, "gallery": 1, "to": 2},
        }
    ]


def test_each_hash_covers_the_hash_before_and_the_text(database: Database, engine: Engine) -> None:
    for subject in range(3):
        with database.write() as connection:
            note(connection, "subject.changed", subject=subject)
            note(connection, "subject.changed", subject=subject)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT seq, entry, hash FROM audit ORDER BY seq")).all()

    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6]
    before = bytes(32)
    for row in rows:
        before = hashlib.sha256(before + row.entry.encode()).digest()
        assert bytes(row.hash) == before


def test_the_head_names_the_last_entry_and_is_signed(database: Database, signer: Signer) -> None:
    with database.write() as connection:
        note(connection, "subject.changed", subject=1)
    with database.read() as connection:
        head = read_head(connection)
        last = connection.execute(text("SELECT hash FROM audit")).scalar_one()

    assert head is not None
    assert (head.seq, head.hash) == (1, bytes(last))
    assert head.is_signed_by(signer.public)


def test_without_a_key_the_chain_is_kept_and_its_head_is_unsigned(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        note(connection, "subject.changed", subject=1)
    with database.read() as connection:
        head = read_head(connection)
    database.close()

    assert head is not None
    assert (head.seq, head.signature, head.signer) == (1, None, None)


def test_a_deed_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            note(connection, "subject.changed", subject=1)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    with database.write() as connection:
        note(connection, "subject.erased", subject=2)

    assert [(entry["seq"], entry["action"]) for entry in entries_of(database)] == [
        (1, "subject.erased")
    ]


def test_a_deed_whose_entry_cannot_be_written_is_not_done(database: Database) -> None:
    def change() -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO facts (key, value) VALUES ('deed', 'done')"))
            note(connection, "gallery.changed", score=0.25)  # type: ignore[arg-type]  # the point

    with pytest.raises(TypeError, match="score"):
        change()

    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM facts")).scalar_one() == 0


def test_only_a_writing_transaction_can_be_noted(database: Database) -> None:
    with database.write() as connection:
        note(connection, "subject.changed", subject=1)
    with database.read() as connection, pytest.raises(RuntimeError, match="writing transaction"):
        note(connection, "subject.changed", subject=2)

    assert len(entries_of(database)) == 1


def test_threads_append_without_gaps(database: Database) -> None:
    def append(thread: int) -> None:
        for number in range(20):
            with acting_as(f"key:{thread}"), database.write() as connection:
                note(connection, "subject.changed", subject=number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(append, range(8)))

    entries = entries_of(database)
    assert [entry["seq"] for entry in entries] == list(range(1, 161))
    for thread in range(8):
        own = [entry["details"] for entry in entries if entry["actor"] == f"key:{thread}"]
        assert own == [{"subject": number} for number in range(20)]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE audit SET entry = '{}' WHERE seq = 1",
        "UPDATE audit SET hash = hash",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_change_an_entry(
    database: Database, engine: Engine, deed: str
) -> None:
    with database.write() as connection:
        note(connection, "subject.changed", subject=1)

    with engine.begin() as connection, pytest.raises(DBAPIError, match="only ever added to"):
        connection.execute(text(deed))

    assert len(entries_of(database)) == 1


def test_postgresql_refuses_to_empty_the_log_at_one_stroke(postgres_url: str) -> None:
    engine = create_engine(postgres_url)

    with engine.begin() as connection, pytest.raises(DBAPIError, match="only ever added to"):
        connection.execute(text("TRUNCATE audit"))

    engine.dispose()


def test_going_on_from_a_head_of_another_key_is_written_down(
    database: Database, database_url: str, another: Signer
) -> None:
    forger = Database(database_url, signer=another)
    with forger.write() as connection:
        note(connection, "subject.changed", subject=1)
    with forger.read() as connection:
        forged = read_head(connection)
    forger.close()

    for subject in (2, 3):
        with database.write() as connection:
            note(connection, "subject.changed", subject=subject)

    assert forged is not None
    assert forged.signature is not None
    entries = entries_of(database)
    assert [entry["action"] for entry in entries] == [
        "subject.changed",
        "audit.head_not_ours",
        "subject.changed",
        "subject.changed",
    ]
    assert entries[1]["details"] == {
        "seq": 1,
        "signature": forged.signature.hex(),
        "signer": forged.signer,
    }


def test_a_head_that_was_taken_away_is_missed(
    database: Database, database_url: str, engine: Engine, signer: Signer
) -> None:
    with database.write() as connection:
        note(connection, "subject.changed", subject=1)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_head"))
    later = Database(database_url, signer=signer)
    with later.write() as connection:
        note(connection, "subject.changed", subject=2)
    later.close()

    assert [entry["action"] for entry in entries_of(database)] == [
        "subject.changed",
        "audit.head_not_ours",
        "subject.changed",
    ]
