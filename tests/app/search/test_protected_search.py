"""Searches of protected galleries: the same answers, whatever happens to the secret meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.registry import Registry
from app.search import GallerySearch
from app.search.snapshots import Snapshots
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.sealing import KEY, master_keys_of

D = 64


@pytest.fixture
def protecting(database_url: str) -> Iterator[Registry]:
    """An empty registry with a master key."""
    opened = Registry.open(database_url, master_keys=master_keys_of(KEY))
    yield opened
    opened.close()


def fill(registry: Registry, gallery: str, people: int, *, walks: int = 1) -> None:
    """People `p0`, `p1`, ..., each with walks of their own."""
    for number in range(people):
        vectors = [walk_of(number, walk) for walk in range(walks)]
        enroll(registry, f"p{number}", vectors, gallery=gallery)


def walk_of(person: int, walk: int) -> NDArray[np.float32]:
    """(D,) unit vector: cosines of about 0.8 with other walks of the person, 0 with others."""
    mixed_d = unit_vector(person, D) + 0.5 * unit_vector(10_000 + 100 * person + walk, D)
    return np.asarray(mixed_d / np.linalg.norm(mixed_d), dtype=np.float32)


def stored(registry: Registry, gallery: str) -> NDArray[np.float32]:
    """(N, D) vectors as they are stored, without the encryption."""
    gallery_id = registry.galleries.get(gallery).id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        return np.concatenate([block.vectors_nd for block in changes.added])


def test_candidates_scores_and_cohorts_stay_what_they_were(protecting: Registry) -> None:
    fill(protecting, "office", 60, walks=2)
    search = GallerySearch(protecting)
    probes = [walk_of(number, 7)[None] for number in range(80)]  # twenty of them strangers
    before = [search.search("office", CHECKPOINT, each, top_k=5) for each in probes]
    protecting.protection.protect("office")
    after = [search.search("office", CHECKPOINT, each, top_k=5) for each in probes]
    for was, now in zip(before, after, strict=True):
        assert [each.subject for each in was.candidates] == [
            each.subject for each in now.candidates
        ]
        for old, new in zip(was.candidates, now.candidates, strict=True):
            assert new.score == pytest.approx(old.score, abs=1e-6)
            assert (new.walk_id, new.templates) == (old.walk_id, old.templates)
        assert was.cohort is not None
        assert now.cohort is not None
        assert now.cohort.mean == pytest.approx(was.cohort.mean, abs=1e-6)
        assert (now.gallery_size, now.cohort.subjects) == (60, was.cohort.subjects)


def test_a_snapshot_holds_turned_vectors_and_none_outlives_its_secret(
    protecting: Registry, tmp_path: Path
) -> None:
    fill(protecting, "office", 20)
    protecting.protection.protect("office")
    snapshots = Snapshots(tmp_path / "snapshots", protecting, least_templates=1)
    first = GallerySearch(protecting, snapshots=snapshots)
    probe_kd = walk_of(3, 7)[None]
    assert first.search("office", CHECKPOINT, probe_kd, top_k=1).candidates[0].subject == "p3"
    first.close()
    (file,) = (tmp_path / "snapshots").glob("*.index")
    plain = [walk_of(number, 0).tobytes() for number in range(20)]
    assert [vector for vector in plain if vector in file.read_bytes()] == []

    second = GallerySearch(protecting, snapshots=snapshots)
    found = second.search("office", CHECKPOINT, probe_kd, top_k=1).candidates[0]
    assert found.subject == "p3"
    assert found.score == pytest.approx(float(walk_of(3, 0) @ walk_of(3, 7)), abs=1e-6)
    protecting.protection.renew("office")
    assert not file.exists()
    assert second.search("office", CHECKPOINT, probe_kd, top_k=1).candidates[0].subject == "p3"
    second.close()


def test_searches_are_right_while_the_secret_changes_again_and_again(protecting: Registry) -> None:
    """A probe turned by one secret never meets templates under another."""
    fill(protecting, "office", 12)
    search = GallerySearch(protecting)
    rounds = 0
    done = threading.Event()

    def identify(person: int) -> list[str]:
        probe_kd = walk_of(person, 7)[None]
        expected = float(walk_of(person, 0) @ probe_kd[0])
        wrong = []
        while not done.is_set():
            found = search.search("office", CHECKPOINT, probe_kd, top_k=1)
            best = found.candidates[0]
            compared = search.compare("office", CHECKPOINT, probe_kd, f"p{person}")
            # A newcomer may be there for a moment.
            if best.subject != f"p{person}" or found.gallery_size not in (12, 13):
                wrong.append(f"{best.subject} for p{person} of {found.gallery_size}")
            if abs(best.score - expected) > 1e-5 or compared.score != pytest.approx(expected):
                wrong.append(f"{best.score} and {compared.score}, not {expected}")
        return wrong

    with ThreadPoolExecutor(4) as pool:
        lookers = [pool.submit(identify, person) for person in range(4)]
        try:
            for rounds in range(1, 7):
                protecting.protection.protect("office")
                protecting.protection.renew("office")
                enroll(protecting, f"new{rounds}", [unit_vector(999, D)], gallery="office")
                protecting.subjects.delete(f"new{rounds}")
                protecting.protection.unprotect("office")
        finally:
            done.set()
        failures = [wrong for looker in lookers for wrong in looker.result()]
    assert rounds == 6
    assert failures == []


def test_the_same_people_in_two_galleries_cannot_be_linked_by_their_vectors(
    protecting: Registry,
) -> None:
    people = 80
    for gallery, walk in (("office", 0), ("lab", 1)):
        for number in range(people):
            enroll(protecting, f"{gallery}-{number}", [walk_of(number, walk)], gallery=gallery)
    plain_nn = stored(protecting, "office") @ stored(protecting, "lab").T
    assert (plain_nn.argmax(axis=1) == np.arange(people)).mean() == 1.0
    protecting.protection.protect("office")
    protecting.protection.protect("lab")
    turned_nn = stored(protecting, "office") @ stored(protecting, "lab").T
    same_n = np.diag(turned_nn)
    different_n = turned_nn[~np.eye(people, dtype=bool)]
    # Of 80 cosines with deviation 1/8, the mean has a deviation of 0.014.
    assert abs(same_n.mean() - different_n.mean()) < 0.07
    # By chance one of 80 is right.
    assert (turned_nn.argmax(axis=1) == np.arange(people)).sum() <= 7
