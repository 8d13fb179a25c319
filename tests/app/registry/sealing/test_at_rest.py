"""With a master key, nobody learns from the database how somebody walks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Column, delete, select, update

from app.registry import Registry
from app.registry.database import Database
from app.registry.sealing import MasterKeyMissing, MasterKeySource, StoredDataDamaged
from app.registry.tables import data_keys, job_explanations, templates, walks
from app.registry.template_stream import TemplateBlock
from tests.enrolling import CHECKPOINT, enroll, identify_job, running_job, unit_vector
from tests.gallery_files import gei_png
from tests.sealing import KEY, OTHER_KEY, master_keys_of, stored_bytes

WEEK = timedelta(days=7)
EXPLANATION = b'{"masks": "of somebody"}'
PNG_HEAD_BYTES = 24  # signature and size, which say nothing of a person


@pytest.fixture
def master_keys() -> MasterKeySource:
    """What `registry` encrypts with."""
    return master_keys_of(KEY)


def enroll_two(registry: Registry) -> None:
    """Anna with two walks and Bert with one, and a search that shows a picture."""
    enroll(registry, "anna", [unit_vector(1), unit_vector(2)], gei_png=gei_png(1))
    enroll(registry, "bert", [unit_vector(3)], gei_png=gei_png(3))
    job = running_job(registry, identify_job("default"))
    registry.jobs.finish(
        job.id,
        job.attempt,
        {},
        gei_png_by_walker={1: gei_png(4)},
        explanation_by_walker={1: EXPLANATION},
    )


def secrets() -> list[bytes]:
    """Every vector and picture that `enroll_two` stores."""
    vectors = [unit_vector(seed).astype("<f4").tobytes() for seed in (1, 2, 3)]
    return vectors + [gei_png(seed)[PNG_HEAD_BYTES:] for seed in (1, 3, 4)] + [EXPLANATION]


def added(registry: Registry) -> list[TemplateBlock]:
    """All templates, as an index reads them."""
    gallery_id = registry.galleries.get("default").id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        return list(changes.added)


def test_no_picture_and_no_vector_is_in_the_database(registry: Registry, database_url: str) -> None:
    enroll_two(registry)
    stored = stored_bytes(database_url)
    assert [secret for secret in secrets() if secret in stored] == []


def test_without_a_master_key_they_all_are(database_url: str) -> None:
    plain = Registry.open(database_url)
    enroll_two(plain)
    stored = stored_bytes(database_url)
    plain.close()
    assert [secret for secret in secrets() if secret not in stored] == []


def test_what_is_read_is_what_was_stored(registry: Registry) -> None:
    enroll_two(registry)
    (walk,) = registry.walks.list("bert")
    assert registry.walks.gei_png(walk.id) == gei_png(3)
    of_anna = registry.templates.of_subject("anna", "default", CHECKPOINT)
    assert (of_anna.vectors_nd == [unit_vector(1), unit_vector(2)]).all()
    (block,) = added(registry)
    assert (block.vectors_nd == [unit_vector(1), unit_vector(2), unit_vector(3)]).all()
    assert block.subjects_n.tolist() == [1, 1, 2]


def test_plain_and_encrypted_templates_are_read_side_by_side(
    registry: Registry, database_url: str
) -> None:
    plain = Registry.open(database_url)
    enroll(plain, "carl", [unit_vector(5)])
    plain.close()
    enroll_two(registry)
    (block,) = added(registry)
    assert (block.vectors_nd == [unit_vector(seed) for seed in (5, 1, 2, 3)]).all()


def test_the_picture_of_an_answer_is_encrypted_for_its_job(registry: Registry) -> None:
    job = running_job(registry, identify_job("default"))
    registry.jobs.finish(job.id, job.attempt, {}, gei_png_by_walker={1: gei_png(1), 2: gei_png(2)})
    assert registry.job_pictures.gei_png(job.id) == gei_png(1)
    assert registry.job_pictures.gei_png(job.id, 2) == gei_png(2)


def test_what_an_answer_rests_on_is_encrypted_for_its_job_and_its_walker(
    registry: Registry, database_url: str
) -> None:
    job = running_job(registry, identify_job("default"))
    said = {1: EXPLANATION, 2: b"{}"}
    registry.jobs.finish(job.id, job.attempt, {}, explanation_by_walker=said)
    assert registry.job_pictures.explanation(job.id) == EXPLANATION
    assert registry.job_pictures.explanation(job.id, 2) == b"{}"

    database = Database(database_url)
    with database.write() as connection:
        of_first = select(job_explanations.c.explanation).where(job_explanations.c.walker == 1)
        connection.execute(
            update(job_explanations)
            .where(job_explanations.c.walker == 2)
            .values(explanation=connection.execute(of_first).scalar_one())
        )
    database.close()
    with pytest.raises(StoredDataDamaged, match="was changed"):
        registry.job_pictures.explanation(job.id, 2)


def test_without_a_subjects_key_nothing_of_them_can_be_read_again(
    registry: Registry, database_url: str
) -> None:
    enroll_two(registry)
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(delete(data_keys).where(data_keys.c.subject_id == 1))
    database.close()

    for walk in registry.walks.list("anna"):
        with pytest.raises(StoredDataDamaged, match=r"key of the walk .* is gone"):
            registry.walks.gei_png(walk.id)
    with pytest.raises(StoredDataDamaged, match="is gone"):
        registry.templates.of_subject("anna", "default", CHECKPOINT)
    (of_bert,) = registry.walks.list("bert")
    assert registry.walks.gei_png(of_bert.id) == gei_png(3)


def test_whoever_cannot_be_decrypted_can_be_erased_and_the_gallery_is_searched_again(
    registry: Registry, database_url: str
) -> None:
    enroll_two(registry)
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(delete(data_keys).where(data_keys.c.subject_id == 1))
    database.close()
    with pytest.raises(StoredDataDamaged):
        added(registry)
    registry.subjects.delete("anna")
    (block,) = added(registry)
    assert (block.vectors_nd == [unit_vector(3)]).all()


def test_an_erased_subject_takes_their_key_along(registry: Registry, database_url: str) -> None:
    enroll_two(registry)
    registry.subjects.delete("anna")
    assert key_owners(database_url) == [2]


def test_another_master_key_is_asked_for_by_its_fingerprint(
    registry: Registry, database_url: str, master_keys: MasterKeySource
) -> None:
    enroll_two(registry)
    (walk,) = registry.walks.list("bert")
    fingerprint = master_keys().current.fingerprint
    for keys in (None, master_keys_of(OTHER_KEY)):
        stranger = Registry.open(database_url, master_keys=keys)
        with pytest.raises(MasterKeyMissing, match=fingerprint):
            stranger.walks.gei_png(walk.id)
        with pytest.raises(MasterKeyMissing, match=fingerprint):
            added(stranger)
        stranger.close()


@pytest.mark.parametrize("column", [walks.c.gei, templates.c.vector], ids=["image", "vector"])
def test_a_changed_bit_is_noticed(
    registry: Registry, database_url: str, column: Column[Any]
) -> None:
    enroll(registry, "anna", [unit_vector(1)], gei_png=gei_png(1))
    database = Database(database_url)
    with database.write() as connection:
        stored = bytearray(connection.execute(select(column)).scalar_one())
        stored[-1] ^= 1
        connection.execute(update(column.table).values({column: bytes(stored)}))
    database.close()
    assert_damaged(registry, "anna")


def test_a_picture_with_another_size_written_over_it_is_noticed(
    registry: Registry, database_url: str
) -> None:
    enroll(registry, "anna", [unit_vector(1)], gei_png=gei_png(1))
    database = Database(database_url)
    with database.write() as connection:
        stored = bytearray(connection.execute(select(walks.c.gei)).scalar_one())
        stored[PNG_HEAD_BYTES - 1] += 1
        connection.execute(update(walks).values(gei=bytes(stored)))
    database.close()
    with pytest.raises(StoredDataDamaged):
        registry.walks.gei_png(registry.walks.list("anna")[0].id)


def test_walks_that_changed_places_are_noticed(registry: Registry, database_url: str) -> None:
    """Both are of one subject, under one key: only what is bound to the walk tells."""
    enroll(registry, "anna", [unit_vector(1), unit_vector(2)], gei_png=gei_png(1))
    database = Database(database_url)
    with database.write() as connection:
        for column in (walks.c.gei, templates.c.vector):
            table = column.table
            rows = connection.execute(select(table.c.id, column)).all()
            for row, other in zip(rows, reversed(rows), strict=True):
                connection.execute(
                    update(table).where(table.c.id == row[0]).values({column: other[1]})
                )
    database.close()
    assert_damaged(registry, "anna")


def test_keys_that_changed_places_are_noticed(registry: Registry, database_url: str) -> None:
    enroll_two(registry)
    database = Database(database_url)
    with database.write() as connection:
        first, second = connection.execute(select(data_keys).order_by(data_keys.c.id)).all()
        for row, other in ((first, second), (second, first)):
            connection.execute(
                update(data_keys).where(data_keys.c.id == row.id).values(wrapped=other.wrapped)
            )
    database.close()
    assert_damaged(registry, "anna")
    assert_damaged(registry, "bert")


def test_a_merge_takes_the_keys_along_and_undoing_it_shares_none(
    registry: Registry, database_url: str
) -> None:
    enroll_two(registry)
    from_bert = registry.walks.list("bert")[0].id
    merge, _ = registry.merges.merge("bert", "anna", undo_within=WEEK)
    assert key_owners(database_url) == [1, 1]
    enroll(registry, "anna", [unit_vector(6)], gei_png=gei_png(6))
    assert registry.walks.gei_png(from_bert) == gei_png(3)

    registry.merges.undo(merge.id)
    registry.subjects.delete("anna")

    assert registry.walks.gei_png(from_bert) == gei_png(3)
    of_bert = registry.templates.of_subject("bert", "default", CHECKPOINT)
    assert np.array_equal(of_bert.vectors_nd, [unit_vector(3)])
    assert len(key_owners(database_url)) == 1


def key_owners(database_url: str) -> list[int]:
    """The numbers of the subjects that have a key, one for each key."""
    database = Database(database_url)
    with database.read() as connection:
        owners = list(connection.execute(select(data_keys.c.subject_id)).scalars())
    database.close()
    return sorted(owners)


def assert_damaged(registry: Registry, subject: str) -> None:
    """Something of the subject is refused: an image or the vectors."""
    with pytest.raises(StoredDataDamaged):
        read_all(registry, subject)


def read_all(registry: Registry, subject: str) -> None:
    """Reads every image and vector of a subject."""
    for walk in registry.walks.list(subject):
        registry.walks.gei_png(walk.id)
    registry.templates.of_subject(subject, "default", CHECKPOINT)
