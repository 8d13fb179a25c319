"""A gallery's templates are stored under its rotation, whatever way they come in and go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select, update

from app.errors import UnknownGallery
from app.registry import Registry
from app.registry.audit.log import Wanted
from app.registry.database import Database
from app.registry.rotation import GalleryNotProtected, ProtectionNeedsMasterKey
from app.registry.sealing import MasterKeyMissing, MasterKeySource, StoredDataDamaged
from app.registry.tables import galleries, templates
from app.search import GallerySearch
from tests.app.registry.stored_walks import NEW, enroll_by_old, new_checkpoint, settled
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.gallery_files import exported, fill, install
from tests.sealing import KEY, OTHER_KEY, master_keys_of, stored_bytes

WEEK = timedelta(days=7)


@pytest.fixture
def master_keys() -> MasterKeySource:
    """What `registry` encrypts with, and wraps rotations with."""
    return master_keys_of(KEY)


@pytest.fixture
def office(registry: Registry) -> Registry:
    """Anna with two walks and Bert with one, in a protected gallery `office`."""
    enroll(registry, "anna", [unit_vector(1), unit_vector(2)], gallery="office")
    registry.protection.protect("office")
    enroll(registry, "bert", [unit_vector(3)], gallery="office")
    return registry


def vectors(registry: Registry, gallery: str) -> dict[int, NDArray[np.float32]]:
    """What is stored, decrypted but under its rotation, by template id."""
    gallery_id = registry.galleries.get(gallery).id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        blocks = list(changes.added)
    return {
        template_id: vector_d
        for block in blocks
        for template_id, vector_d in zip(block.templates_n.tolist(), block.vectors_nd, strict=True)
    }


def score(registry: Registry, subject: str, gallery: str, vector_d: NDArray[np.float32]) -> float:
    """Of a probe against a subject: by the index and by SQL, which agree."""
    search = GallerySearch(registry)
    compared = search.compare(gallery, CHECKPOINT, vector_d[None], subject).score
    found = search.search(gallery, CHECKPOINT, vector_d[None], top_k=10).candidates
    (searched,) = [each.score for each in found if each.subject == subject]
    assert compared == pytest.approx(searched, abs=1e-6)
    return searched


def closest(ours: Mapping[int, NDArray[np.float32]], vector_d: NDArray[np.float32]) -> float:
    """The highest cosine of a vector with what is stored."""
    return max(float(each_d @ vector_d) for each_d in ours.values())


def test_what_is_stored_is_not_what_the_encoder_gave(office: Registry) -> None:
    stored = vectors(office, "office")
    assert len(stored) == 3
    assert max(closest(stored, unit_vector(seed)) for seed in (1, 2, 3)) < 0.9
    assert office.galleries.get("office").is_protected


def test_walks_enrolled_before_and_after_score_as_they_should(office: Registry) -> None:
    assert score(office, "anna", "office", unit_vector(2)) == pytest.approx(1.0, abs=1e-6)
    assert score(office, "bert", "office", unit_vector(3)) == pytest.approx(1.0, abs=1e-6)
    expected = float(unit_vector(3) @ unit_vector(9))
    assert score(office, "bert", "office", unit_vector(9)) == pytest.approx(expected, abs=1e-6)


def test_protecting_twice_changes_nothing(office: Registry) -> None:
    before = vectors(office, "office")
    office.protection.protect("office")
    after = vectors(office, "office")
    assert before.keys() == after.keys()


def test_old_templates_match_nothing_once_it_is_renewed(office: Registry) -> None:
    stolen = vectors(office, "office")
    office.protection.renew("office")
    renewed = vectors(office, "office")
    assert not stolen.keys() & renewed.keys()
    assert max(closest(renewed, vector_d) for vector_d in stolen.values()) < 0.9
    assert score(office, "anna", "office", unit_vector(1)) == pytest.approx(1.0, abs=1e-6)


def test_unprotected_templates_are_the_encoders_again(office: Registry) -> None:
    office.protection.unprotect("office")
    stored_nd = np.stack(list(vectors(office, "office").values()))
    plain_nd = np.stack([unit_vector(seed) for seed in (1, 2, 3)])
    assert np.abs(stored_nd - plain_nd).max() < 1e-6
    assert not office.galleries.get("office").is_protected


def test_a_subject_moves_into_and_out_of_protected_galleries(office: Registry) -> None:
    office.galleries.create("lab")
    office.galleries.create("yard")
    office.protection.protect("lab")
    for target in ("lab", "yard", "office"):
        office.transfers.move("anna", target)
        assert score(office, "anna", target, unit_vector(1)) == pytest.approx(1.0, abs=1e-6)
        assert (closest(vectors(office, target), unit_vector(1)) > 0.999) == (target == "yard")


def test_merging_across_galleries_and_taking_it_back_keeps_scores(office: Registry) -> None:
    enroll(office, "ann", [unit_vector(4)], gallery="lab")
    office.protection.protect("lab")
    merge, _ = office.merges.merge(
        "ann", "anna", undo_within=WEEK, gallery="lab", into_gallery="office"
    )
    assert score(office, "anna", "office", unit_vector(4)) == pytest.approx(1.0, abs=1e-6)
    office.merges.undo(merge.id)
    assert score(office, "ann", "lab", unit_vector(4)) == pytest.approx(1.0, abs=1e-6)
    assert score(office, "anna", "office", unit_vector(4)) < 0.9


def test_a_gallery_file_is_plain_and_is_turned_on_its_way_in(
    registry: Registry, tmp_path: Path
) -> None:
    install(registry)
    fill(registry, "office", subjects=3, walks=2)
    plain = exported(registry, "office")
    registry.protection.protect("office")
    file = exported(registry, "office")
    elsewhere = Registry.open(
        f"sqlite:///{tmp_path / 'elsewhere.db'}", master_keys=master_keys_of(OTHER_KEY)
    )
    elsewhere.migrate()
    install(elsewhere)
    elsewhere.galleries.create("home")
    elsewhere.protection.protect("home")
    elsewhere.exchange.import_file("home", [file])
    original = vectors(registry, "office")
    imported = vectors(elsewhere, "home")
    registry.protection.unprotect("office")
    for vector_d in vectors(registry, "office").values():
        assert closest(imported, vector_d) < 0.95
        assert closest(original, vector_d) < 0.95
    elsewhere.protection.unprotect("home")
    for vector_d in vectors(elsewhere, "home").values():
        assert closest(vectors(registry, "office"), vector_d) == pytest.approx(1.0, abs=1e-6)
    elsewhere.close()
    assert len(plain) == pytest.approx(len(file), rel=0.01)


def test_the_limit_of_walks_tells_stored_walks_from_new_ones(office: Registry) -> None:
    """The rule drops one of two equal walks, so it must compare vectors of one kind."""
    office.galleries.change("office", rules={"walks_per_subject": 2})
    enrolled = enroll(office, "anna", [unit_vector(1)], gallery="office")
    assert len(enrolled.walks) + len(enrolled.replaced) <= 2
    assert score(office, "anna", "office", unit_vector(2)) == pytest.approx(1.0, abs=1e-6)


def test_no_vector_of_either_kind_lies_in_the_database(office: Registry, database_url: str) -> None:
    stolen = vectors(office, "office")
    office.protection.renew("office")
    stored = stored_bytes(database_url)
    plain = [unit_vector(seed) for seed in (1, 2, 3)]
    assert [each for each in (*plain, *stolen.values()) if each.tobytes() in stored] == []


def test_without_a_master_key_nothing_is_protected(database_url: str) -> None:
    plain = Registry.open(database_url)
    enroll(plain, "anna", [unit_vector(1)], gallery="office")
    with pytest.raises(ProtectionNeedsMasterKey):
        plain.protection.protect("office")
    assert closest(vectors(plain, "office"), unit_vector(1)) == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(GalleryNotProtected):
        plain.protection.renew("office")
    with pytest.raises(UnknownGallery):
        plain.protection.protect("nowhere")
    plain.close()


def test_without_its_master_key_a_protected_gallery_is_not_searched(
    office: Registry, database_url: str
) -> None:
    for source in (None, master_keys_of(OTHER_KEY)):
        other = Registry.open(database_url, master_keys=source)
        with pytest.raises(MasterKeyMissing):
            GallerySearch(other).search("office", CHECKPOINT, unit_vector(1)[None], top_k=1)
        with pytest.raises(MasterKeyMissing):
            enroll(other, "carl", [unit_vector(5)], gallery="office")
        other.close()


def test_a_new_master_key_opens_what_the_old_one_protected(
    office: Registry, database_url: str
) -> None:
    both = Registry.open(database_url, master_keys=master_keys_of(OTHER_KEY, KEY))
    for _ in both.encryption.rotate():
        pass
    both.close()
    only_new = Registry.open(database_url, master_keys=master_keys_of(OTHER_KEY))
    assert score(only_new, "anna", "office", unit_vector(1)) == pytest.approx(1.0, abs=1e-6)
    only_new.protection.renew("office")
    assert score(only_new, "bert", "office", unit_vector(3)) == pytest.approx(1.0, abs=1e-6)
    only_new.close()


def test_a_rotation_put_into_another_gallerys_row_is_refused(
    office: Registry, database_url: str
) -> None:
    office.galleries.create("lab")
    database = Database(database_url)
    with database.write() as connection:
        row = connection.execute(
            select(galleries.c.rotation, galleries.c.rotation_master).where(
                galleries.c.name == "office"
            )
        ).one()
        connection.execute(update(galleries).where(galleries.c.name == "lab").values(row._asdict()))
    database.close()
    with pytest.raises(StoredDataDamaged):
        enroll(office, "carl", [unit_vector(5)], gallery="lab")


def test_every_change_is_in_the_audit_log(office: Registry) -> None:
    office.protection.renew("office")
    office.protection.unprotect("office")
    office.protection.unprotect("office")
    page = office.audit.page(wanted=Wanted(action="gallery.protected"))
    details = [json.loads(each.text)["details"] for each in page.entries]
    noted = [(each["how"], each["templates"]) for each in details]
    assert sorted(noted) == [("protected", 2), ("renewed", 3), ("unprotected", 3)]


def test_a_new_checkpoints_templates_are_turned_as_well(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", gallery="g")
    registry.protection.protect("g")
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    ((walk,), _) = registry.reembeddings.next_walks(NEW, after="", most=5)
    made = {walk.walk_id: unit_vector(8)}
    registry.reembeddings.store(claimed, "me", walk.gallery_id, made, {}, lease_seconds=30)
    stored = registry.templates.of_subject("ada", "g", NEW)
    assert float(stored.vectors_nd[0] @ unit_vector(8)) < 0.9
    found = GallerySearch(registry).search("g", NEW, unit_vector(8)[None], top_k=1).candidates[0]
    assert found.subject == "ada"
    assert found.score == pytest.approx(1.0, abs=1e-6)


def test_templates_of_other_galleries_stay_as_they_are(office: Registry, database_url: str) -> None:
    enroll(office, "dora", [unit_vector(7)], gallery="lab")
    before = vectors(office, "lab")
    office.protection.renew("office")
    after = vectors(office, "lab")
    assert before.keys() == after.keys()
    database = Database(database_url)
    with database.read() as connection:
        assert len(connection.execute(select(templates.c.id)).all()) == 4
    database.close()
