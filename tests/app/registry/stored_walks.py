"""Checkpoints and stored walks in a registry, for tests of switching from one to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.client.media import encode_mask
from app.registry import NewCheckpoint, Registry, Serving
from tests.enrolling import enroll, unit_vector

OLD, NEW = "lresnet50-64x44-old", "lresnet50-64x44-new"


def gei_png(height: int = 64, width: int = 44) -> bytes:
    """A picture of that size."""
    return encode_mask(np.full((height, width), 255, np.uint8))


def new_checkpoint(
    checkpoint_id: str, *, weights: bytes | None = b"weights", height: int = 64, width: int = 44
) -> NewCheckpoint:
    """A checkpoint that takes images of that size."""
    return NewCheckpoint(checkpoint_id, weights, {"gei": {"height": height, "width": width}})


def settled(registry: Registry, *, installed: Sequence[NewCheckpoint] = ()) -> Serving:
    """Has OLD, which ships, serve; installs the others."""
    registry.checkpoints.settle(new_checkpoint(OLD, weights=None), None)
    for each in installed:
        registry.checkpoints.install(each)
    return serving(registry)


def serving(registry: Registry) -> Serving:
    """What serves now."""
    found = registry.checkpoints.serving()
    assert found is not None
    return found


def enroll_by_old(registry: Registry, subject: str, *, walks: int = 1, gallery: str = "g") -> None:
    """Enrols walks that OLD has templates of."""
    vectors = [unit_vector(number) for number in range(walks)]
    enroll(registry, subject, vectors, gallery=gallery, checkpoint_id=OLD, gei_png=gei_png())


def embed_all(registry: Registry, checkpoint_id: str, *, owner: str = "me", most: int = 2) -> None:
    """Passes every walk, as a service does in the background, and ends the re-embedding."""
    claimed = registry.reembeddings.claim(owner, lease_seconds=30)
    assert claimed is not None
    assert claimed.checkpoint_id == checkpoint_id
    while True:
        after: str | None = ""
        while after is not None:
            found, after = registry.reembeddings.next_walks(checkpoint_id, after=after, most=most)
            for walk in found:
                registry.reembeddings.store(
                    claimed,
                    owner,
                    walk.gallery_id,
                    {walk.walk_id: unit_vector(len(walk.walk_id))},
                    {},
                    lease_seconds=30,
                )
        if registry.switching.finish(claimed.id, owner):
            return
