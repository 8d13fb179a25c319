"""Erasure is real: no row, and on SQLite no byte, of the person is left."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import select

from app.errors import UnknownJob
from app.registry import Registry
from app.registry.database import Database
from app.registry.tables import metadata
from tests.enrolling import enroll, enroll_job, identify_job, running_job, unit_vector


def everything(url: str) -> str:
    """All rows of all tables, as text."""
    database = Database(url)
    with database.read() as connection:
        rows = [
            [table.name, *map(repr, row)]
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    database.close()
    return json.dumps(rows)


def test_an_erased_subject_leaves_no_row_anywhere(registry: Registry, database_url: str) -> None:
    enroll(registry, "bert", [unit_vector(1)], name="Bert")
    before = everything(database_url)
    gone = enroll(
        registry,
        "anna-17",
        [unit_vector(2), unit_vector(3)],
        name="Anna Weiss",
        metadata={"shoe": "size-38"},
        gei_png=b"gei-of-her",
    )
    naming = running_job(registry, identify_job("default"))
    registry.jobs.finish(
        naming.id,
        naming.attempt,
        {"candidates": ["anna-17"]},
        mentions=["anna-17", "bert"],
        gei_png_by_walker={1: b"gei-of-her, probing", 2: b"gei-of-her friend"},
    )
    other = running_job(registry, identify_job("default"))
    registry.jobs.finish(other.id, other.attempt, {"candidates": ["bert"]}, mentions=["bert"])
    waiting = registry.jobs.add(enroll_job("default", "anna-17")).job

    erasure = registry.subjects.delete("anna-17")

    assert (erasure.subjects, erasure.walks, erasure.templates) == (1, 2, 2)
    assert {naming.id, waiting.id} < set(erasure.jobs)
    assert erasure.uploads == ("upload-1",)
    assert registry.jobs.get(other.id).result == {"candidates": ["bert"]}
    for job_id in (naming.id, waiting.id):
        with pytest.raises(UnknownJob):
            registry.jobs.get(job_id)
    after = everything(database_url)
    for trace in ("anna-17", "Anna Weiss", "size-38", "gei-of-her", *gone.walks):
        assert trace not in after
    assert "bert" in after
    assert len(before) <= len(after)


def test_the_same_id_in_another_gallery_is_another_person(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)], gallery="lab")
    enroll(registry, "anna", [unit_vector(2)], gallery="clinic")
    kept = registry.jobs.add(enroll_job("clinic", "anna")).job
    registry.subjects.delete("anna", gallery="lab")
    assert registry.subjects.get("anna").gallery == "clinic"
    assert registry.jobs.get(kept.id).state == "queued"


def test_the_files_of_sqlite_hold_no_byte_of_erased_people(sqlite_url: str, tmp_path: Path) -> None:
    """Also not in the write-ahead log, nor between the rows of pages that were rebalanced."""
    registry = Registry.open(sqlite_url)
    for number in range(120):
        enroll(
            registry,
            f"subject-{number:03}-{'id' * (number % 40)}",
            [unit_vector(number), unit_vector(1000 + number)],
            name=f"name-{number:03}",
            metadata={"note": f"note-{number:03}" + "z" * (number * 7 % 900)},
            gei_png=f"gei-{number:03}-".encode() * (20 + number * 13 % 400),
        )
    for subject in registry.subjects.list(limit=500).subjects[::2]:
        registry.subjects.delete(subject.subject)
    assert registry.scrub()
    assert not registry.scrub()  # nothing left to do
    files = [path for path in tmp_path.iterdir() if path.name.startswith("walkprint.db")]
    content = b"".join(path.read_bytes() for path in files)
    for number in range(120):
        traces = [f"{kind}-{number:03}".encode() for kind in ("subject", "name", "note", "gei")]
        traces.append(unit_vector(number).tobytes())
        found = [trace for trace in traces if trace in content]
        assert found == ([] if number % 2 == 0 else traces)
    registry.close()


def test_a_long_reader_holds_up_nobody_and_the_file_is_scrubbed_after_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    """An export reads for minutes; an erasure meanwhile does not have writers wait for it."""
    registry = Registry.open(sqlite_url)
    enroll(registry, "anna-17", [unit_vector(1)])
    with closing(sqlite3.connect(tmp_path / "walkprint.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subjects").fetchone()
        began = monotonic()
        registry.subjects.delete("anna-17")
        assert not registry.scrub()
        registry.galleries.create("workshop")
        # SQLite's own patience, with which everybody would have waited, is a minute.
        assert monotonic() - began < 20
    assert registry.scrub()
    left = b"".join(path.read_bytes() for path in tmp_path.glob("walkprint.db*"))
    assert b"anna-17" not in left
    registry.close()
