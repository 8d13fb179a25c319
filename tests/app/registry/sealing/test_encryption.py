"""A database is encrypted in place, and gets a new master key, while the service goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.registry import Registry
from app.registry.backup import back_up
from app.registry.database import Database
from app.registry.sealing import MasterKeyMissing, MasterKeySource, open_master_keys
from app.registry.sealing.checking import require_master_keys
from app.registry.sealing.encryption import Encryption
from app.registry.sealing.master_keys import Wrapped
from app.registry.tables import galleries, templates
from app.search import GallerySearch
from tests.enrolling import CHECKPOINT, enroll, identify_job, running_job, unit_vector
from tests.gallery_files import exported, gei_png, install
from tests.sealing import KEY, OTHER_KEY, master_keys_of, stored_bytes

PEOPLE = 12
PNG_HEAD_BYTES = 24
EXPLANATION = b'{"masks": "of somebody"}'

_KILLED = """
import os, signal, sys
from app.registry.database import Database
from app.registry.sealing.encryption import Encryption
from tests.sealing import KEY, master_keys_of

encryption = Encryption(Database(sys.argv[1], master_keys=master_keys_of(KEY)))
encryption.subjects_at_once = 1
for number, _ in enumerate(encryption.apply(), start=1):
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def opened(url: str, keys: MasterKeySource | None) -> Iterator[Registry]:
    """The registry of a database, with some keys or none."""
    registry = Registry.open(url, master_keys=keys)
    try:
        yield registry
    finally:
        registry.close()


@pytest.fixture
def plain(database_url: str) -> str:
    """A database with some people of two walks each, a search and no key."""
    with opened(database_url, None) as registry:
        for number in range(PEOPLE):
            vectors = [unit_vector(2 * number), unit_vector(2 * number + 1)]
            enroll(registry, f"s{number}", vectors, gei_png=gei_png(number))
        job = running_job(registry, identify_job("default"))
        registry.jobs.finish(
            job.id,
            job.attempt,
            {},
            gei_png_by_walker={1: gei_png(99)},
            explanation_by_walker={1: EXPLANATION},
        )
    return database_url


def secrets() -> list[bytes]:
    """Every vector and picture in `plain`."""
    vectors = [unit_vector(seed).astype("<f4").tobytes() for seed in range(2 * PEOPLE)]
    return (
        vectors + [gei_png(seed)[PNG_HEAD_BYTES:] for seed in (*range(PEOPLE), 99)] + [EXPLANATION]
    )


def template_ids(url: str) -> list[int]:
    """Of all templates."""
    database = Database(url)
    with database.read() as connection:
        ids = list(connection.execute(select(templates.c.id).order_by(templates.c.id)).scalars())
    database.close()
    return ids


def assert_all_is_there(registry: Registry) -> None:
    """Every image and vector of `plain` is read as it was stored."""
    for number in range(PEOPLE):
        of_subject = registry.templates.of_subject(f"s{number}", "default", CHECKPOINT)
        # A gallery file brings the walks of one instant in another order.
        assert {vector_d.tobytes() for vector_d in of_subject.vectors_nd} == {
            unit_vector(seed).tobytes() for seed in (2 * number, 2 * number + 1)
        }
        for walk_id in of_subject.walk_ids:
            assert registry.walks.gei_png(walk_id) == gei_png(number)


def test_applied_encryption_leaves_nothing_plain_and_changes_no_template(plain: str) -> None:
    before = template_ids(plain)
    assert [secret for secret in secrets() if secret not in stored_bytes(plain)] == []
    with opened(plain, master_keys_of(KEY)) as registry:
        assert sum(registry.encryption.apply()) == PEOPLE
        registry.scrub()
        status = registry.encryption.status()
        assert (status.walks, status.walks_plain) == (2 * PEOPLE, 0)
        assert (status.templates, status.templates_plain) == (2 * PEOPLE, 0)
        assert status.data_keys == {status.current: PEOPLE}
        assert_all_is_there(registry)
    stored = stored_bytes(plain)
    assert [secret for secret in secrets() if secret in stored] == []
    assert template_ids(plain) == before


def test_encryption_that_was_killed_half_way_goes_on_where_it_was(plain: str) -> None:
    killed = subprocess.run(  # noqa: S603 (our own interpreter)
        [sys.executable, "-c", _KILLED, plain], check=False, env=os.environ
    )
    assert killed.returncode == -signal.SIGKILL
    with opened(plain, master_keys_of(KEY)) as registry:
        half = registry.encryption.status()
        assert half.walks == 10
        assert_all_is_there(registry)
        assert sum(registry.encryption.apply()) == PEOPLE - 5
        assert registry.encryption.status().walks_plain == 0
        assert_all_is_there(registry)


def test_an_index_in_memory_stays_right_while_its_templates_are_encrypted(plain: str) -> None:
    with opened(plain, master_keys_of(KEY)) as registry:
        search = GallerySearch(registry)
        assert best(search, 4) == "s2"
        assert sum(registry.encryption.apply()) == PEOPLE
        assert best(search, 4) == "s2"
        assert best(GallerySearch(registry), 4) == "s2"


def test_a_new_master_key_takes_over_while_people_are_enrolled_and_searched(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "master.key"
    file.write_text(f"{KEY}\n")
    source = open_master_keys(None, None, file)
    with opened(database_url, source) as service, opened(database_url, source) as command:
        command.encryption.keys_at_once = 3
        enroll(service, "first", [unit_vector(0)])
        search = GallerySearch(service)
        over = threading.Event()
        enrolled: list[str] = []

        def enrol(thread: int) -> None:
            number = 0
            while not over.is_set():
                subject = f"t{thread}-{number}"
                enroll(service, subject, [unit_vector(1000 * thread + number)])
                enrolled.append(subject)
                number += 1

        def identify() -> None:
            while not over.is_set():
                assert best(search, 0) == "first"
                assert best(GallerySearch(service), 0) == "first"

        with ThreadPoolExecutor(3) as threads:
            running = [threads.submit(enrol, 1), threads.submit(enrol, 2), threads.submit(identify)]
            try:
                wait_for(enrolled, 20, running)
                file.write_text(f"{OTHER_KEY}\n{KEY}\n")
                rewrapped = sum(command.encryption.rotate())
                wait_for(enrolled, len(enrolled) + 10, running)
            finally:
                over.set()
            for each in running:
                each.result()
        assert rewrapped >= 20

    new = master_keys_of(OTHER_KEY)
    with opened(database_url, new) as registry:
        registry.require_master_keys()
        assert registry.encryption.masters_in_use() == (new().current.fingerprint,)
        for subject in enrolled:
            registry.templates.of_subject(subject, "default", CHECKPOINT)
    with opened(database_url, master_keys_of(KEY)) as late, pytest.raises(MasterKeyMissing):
        late.require_master_keys()


def test_the_secrets_of_protected_galleries_and_pictures_of_answers_get_the_new_key_too(
    database_url: str,
) -> None:
    old, both = master_keys_of(KEY), master_keys_of(OTHER_KEY, KEY)
    with opened(database_url, old) as registry:
        gallery_id = registry.galleries.create("protected").id
        job = running_job(registry, identify_job("protected"))
        registry.jobs.finish(
            job.id,
            job.attempt,
            {},
            gei_png_by_walker={1: gei_png(1)},
            explanation_by_walker={1: EXPLANATION},
        )
    place = b"rotation\0" + gallery_id.to_bytes(8, "big")
    wrapped = old().wrap(b"secret", place)
    database = Database(database_url, master_keys=both)
    with database.write() as connection:
        connection.execute(
            update(galleries).values(rotation=wrapped.data, rotation_master=wrapped.master)
        )
    require_master_keys(database)

    assert sum(Encryption(database).rotate()) == 0

    with database.read() as connection:
        row = connection.execute(select(galleries.c.rotation, galleries.c.rotation_master)).one()
    database.close()
    new = master_keys_of(OTHER_KEY)
    assert new().unwrap(Wrapped(row.rotation, row.rotation_master), place) == b"secret"
    with opened(database_url, new) as registry:
        assert registry.job_pictures.gei_png(job.id) == gei_png(1)
        assert registry.job_pictures.explanation(job.id) == EXPLANATION


def test_a_gallery_file_leaves_readable_and_comes_in_encrypted(plain: str, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    with (
        opened(plain, master_keys_of(KEY)) as registry,
        opened(elsewhere, master_keys_of(OTHER_KEY)) as target,
    ):
        assert sum(registry.encryption.apply()) == PEOPLE
        target.migrate()
        install(target)
        target.exchange.import_file("default", [exported(registry, "default")])
        assert_all_is_there(target)
        assert target.encryption.status().templates_plain == 0
    stored = stored_bytes(elsewhere)
    assert [secret for secret in secrets() if secret in stored] == []


def test_a_backup_is_as_encrypted_as_the_database(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, master_keys_of(KEY)) as registry:
        enroll(registry, "anna", [unit_vector(1)], gei_png=gei_png(1))
    copy = tmp_path / "backup" / "copy.db"
    copy.parent.mkdir()
    back_up(Path(sqlite_url.removeprefix("sqlite:///")), copy)
    stored = copy.read_bytes()
    assert unit_vector(1).tobytes() not in stored
    assert gei_png(1)[PNG_HEAD_BYTES:] not in stored
    with opened(f"sqlite:///{copy}", master_keys_of(KEY)) as restored:
        assert restored.walks.gei_png(restored.walks.list("anna")[0].id) == gei_png(1)


def best(search: GallerySearch, seed: int) -> str:
    """Who is closest to a vector."""
    result = search.search("default", CHECKPOINT, unit_vector(seed)[None], top_k=1)
    return result.candidates[0].subject


def wait_for(enrolled: Sequence[str], number: int, running: Sequence[Future[None]]) -> None:
    """Returns when so many were enrolled, or a thread has failed."""
    while len(enrolled) < number and not any(each.done() for each in running):
        time.sleep(0.01)
