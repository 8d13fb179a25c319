"""What is searched and what is asked: a large gallery, and walks as archives of silhouettes.

Shape letters: N templates, D embedding size, T frames, H rows, W columns.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from app.client.media import open_walk
from app.registry import Enrollment, NewJob, NewWalk, Registry
from model.walkers import Identity, Shot, walk_masks_thw

GALLERY = "bench"
_WALKS_PER_SUBJECT = 5
# Outside the seeds of training, evaluation and demo.
_FIRST_SEED = 9_900_000
# A passer-by at the size and rate of CASIA-B's recordings: 320 x 240, 25 frames per second.
_SHOT = Shot(frames=40, frame_height=240, frame_width=320, walker_pixels=120.0)


def fill_gallery(registry: Registry, checkpoint_id: str, *, templates: int, size: int) -> None:
    """Enrols random unit vectors through the registry's own enrolment, five walks a subject.

    Only the vectors are made up: what a search costs depends on how many there are, not on whose.

    Args:
        registry: of the service, which does not run at the moment.
        checkpoint_id: that the service will search by.
        templates: N.
        size: D.
    """
    rng = np.random.default_rng(1)
    blank_png = b"\x89PNG\r\n\x1a\n"
    for number in range(templates // _WALKS_PER_SUBJECT):
        vectors_nd = rng.standard_normal((_WALKS_PER_SUBJECT, size), dtype=np.float32)
        vectors_nd /= np.linalg.norm(vectors_nd, axis=1, keepdims=True)
        job = registry.jobs.add(
            NewJob(kind="enroll", gallery=GALLERY, subject=f"s{number:05d}", request={}, uploads=())
        ).job
        claimed = registry.jobs.claim(job.id, owner="bench", lease_seconds=60.0)
        if claimed is None:
            raise RuntimeError("the job was taken by somebody else")
        walks = tuple(
            NewWalk(gei_png=blank_png, quality={}, source="bench", vector_d=vector_d)
            for vector_d in vectors_nd
        )
        enrollment = Enrollment(name=None, metadata={}, checkpoint_id=checkpoint_id, walks=walks)
        registry.enrollments.record(job.id, claimed.attempt, enrollment, lambda _: {})


def write_probes(folder: Path, number: int) -> list[Path]:
    """Writes walks of generated people as stored zips of 40 frames, PNGs as OpenCV writes them."""
    probes = []
    for index in range(number):
        masks_thw = walk_masks_thw(Identity.from_seed(_FIRST_SEED + index), walk_seed=1, shot=_SHOT)
        path = folder / f"probe-{index:02d}.zip"
        frames = [cv2.imencode(".png", mask_hw)[1].tobytes() for mask_hw in masks_thw]
        with open_walk(frames) as (_, packed):
            path.write_bytes(packed.read())
        probes.append(path)
    return probes
