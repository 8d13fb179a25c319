"""The registry as a dictionary, and the same deeds done to both.

A walk is known by its number: its stored picture spells it, and each checkpoint makes its own
vector of it, so that a walk can be embedded again and still be told from every other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from app.registry import Enrollment, NewWalk, Registry, Serving
from app.search import GallerySearch
from tests.app.registry.stored_walks import NEW, OLD
from tests.enrolling import enroll_job, running_job, unit_vector

GALLERIES = ("lobby", "garage")
_APART = {OLD: 0, NEW: 1_000_000}
_EVERYBODY = 500


@dataclass
class Merged:
    """A merge that can be undone.

    Attributes:
        subject: who was absorbed.
        gallery: where they were.
        walks: numbers of the walks they brought along.
    """

    subject: str
    gallery: str
    walks: frozenset[int]


@dataclass
class Town:
    """What must be in the registry.

    Attributes:
        walks: numbers of the walks of each subject, by (gallery, subject).
        ids: of the stored walks, by number.
        merges: by id.
        checkpoint: that serves.
    """

    walks: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    merges: dict[str, Merged] = field(default_factory=dict)
    checkpoint: str = OLD

    def people(self, gallery: str) -> set[str]:
        """Everybody in a gallery who has a walk."""
        return {name for (where, name), walks in self.walks.items() if where == gallery and walks}

    def forget(self, walks: set[int]) -> None:
        """Walks that were erased: no merge brings them back."""
        for number in walks:
            del self.ids[number]
        for merged in self.merges.values():
            merged.walks -= walks


def vector_of(number: int, checkpoint_id: str) -> NDArray[np.float32]:
    """What a checkpoint makes of a walk."""
    return unit_vector(number + _APART[checkpoint_id])


def picture_of(number: int) -> bytes:
    """A PNG that spells the walk's number."""
    gei_hw = np.zeros((64, 44), np.uint8)
    gei_hw[0, :4] = np.frombuffer(number.to_bytes(4, "little"), np.uint8)
    return cv2.imencode(".png", gei_hw)[1].tobytes()


def number_in(picture: bytes) -> int:
    """Of the walk that a picture spells."""
    gei_hw = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert gei_hw is not None
    return int.from_bytes(gei_hw[0, :4].tobytes(), "little")


def enrol(registry: Registry, gallery: str, subject: str, numbers: list[int]) -> tuple[str, ...]:
    """Enrols walks by whatever serves or is being made ready; gives their ids."""
    serving = serving_of(registry)
    walks = tuple(
        NewWalk(
            gei_png=picture_of(number),
            quality={},
            source="frames",
            vector_d=vector_of(number, serving.active),
            other_vectors_d={
                other: vector_of(number, other) for other in serving.ids if other != serving.active
            },
        )
        for number in numbers
    )
    job = running_job(registry, enroll_job(gallery, subject))
    return registry.enrollments.record(
        job.id,
        job.attempt,
        Enrollment(None, {}, serving.active, walks, serving),
        lambda enrolled: {"subject": enrolled.subject},
    ).walks


def embed_again(registry: Registry, owner: str) -> None:
    """Passes every walk by the checkpoint that is being made ready, which then serves."""
    claimed = registry.reembeddings.claim(owner, lease_seconds=30)
    while claimed is not None:
        after: str | None = ""
        while after is not None:
            found, after = registry.reembeddings.next_walks(
                claimed.checkpoint_id, after=after, most=3
            )
            for walk in found:
                vector_d = vector_of(number_in(walk.png), claimed.checkpoint_id)
                registry.reembeddings.store(
                    claimed, owner, walk.gallery_id, {walk.walk_id: vector_d}, {}, lease_seconds=30
                )
        if registry.switching.finish(claimed.id, owner):
            return


def serving_of(registry: Registry) -> Serving:
    """What serves, and what is being made ready."""
    serving = registry.checkpoints.serving()
    assert serving is not None
    return serving


def check(town: Town, registry: Registry, search: GallerySearch) -> None:
    """Index, SQL and dictionary say the same of every gallery and every walk."""
    assert serving_of(registry).active == town.checkpoint
    stored = {
        (row.gallery, row.subject): row.walks for row in registry.subjects.list(limit=500).subjects
    }
    assert stored == {key: len(walks) for key, walks in town.walks.items()}
    known = {gallery.name: gallery.revision for gallery in registry.galleries.list()}
    for gallery in GALLERIES:
        people = town.people(gallery)
        if gallery not in known:
            assert people == set()
            continue
        numbers = {
            number: name
            for (where, name), walks in town.walks.items()
            if where == gallery
            for number in walks
        }
        for number in [*numbers, -1]:
            probe_d = vector_of(number, town.checkpoint) if number >= 0 else unit_vector(999)
            found = search.search(gallery, town.checkpoint, probe_d[None], top_k=_EVERYBODY)
            assert found.revision == known[gallery]
            assert found.gallery_size == len(people)
            assert {each.subject for each in found.candidates} == people
            if number >= 0:
                best = found.candidates[0]
                assert (best.subject, best.walk_id) == (numbers[number], town.ids[number])
                assert best.score > 0.999
                assert best.templates == len(town.walks[gallery, best.subject])
