"""Enrolling in one line, for tests of what comes after. Vectors are random but seeded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from app.registry import Enrolled, Enrollment, Job, LeaseLost, NewJob, NewWalk, Registry
from app.registry.job import Home

CHECKPOINT = "lresnet50-64x44-test"
DIMENSIONS = 16


def unit_vector(seed: int, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """(D,) float32 of length 1, always the same for one seed."""
    vector_d = np.random.default_rng(seed).standard_normal(dimensions)
    return (vector_d / np.linalg.norm(vector_d)).astype(np.float32)


def new_walk(vector_d: NDArray[np.float32], *, gei_png: bytes = b"a gait energy image") -> NewWalk:
    """A walk that was embedded as this vector."""
    return NewWalk(gei_png=gei_png, quality={"cycles": 2.0}, source="frames", vector_d=vector_d)


def running_job(registry: Registry, new_job: NewJob, *, owner: str = "instance") -> Job:
    """A job that was accepted and claimed; LeaseLost when it was erased in between."""
    registry.jobs.add(new_job)
    job = registry.jobs.claim(new_job.id, owner=owner, lease_seconds=30)
    if job is None:
        raise LeaseLost(new_job.id)
    return job


def enroll_job(gallery: str, subject: str) -> NewJob:
    """A job to enrol a subject."""
    return NewJob("enroll", gallery, subject, {}, (("upload-1",),))


def identify_job(gallery: str) -> NewJob:
    """A job to identify somebody."""
    return NewJob("identify", gallery, None, {"top_k": 5}, (("upload-1",),))


def enroll(
    registry: Registry,
    subject: str,
    vectors: Sequence[NDArray[np.float32]],
    *,
    gallery: str = "default",
    name: str | None = None,
    metadata: dict[str, object] | None = None,
    checkpoint_id: str = CHECKPOINT,
    gei_png: bytes = b"a gait energy image",
) -> Enrolled:
    """Enrols one walk per vector, through a job that no running service takes, as one that has an
    idle thread does."""
    home = Home("instance", timedelta(seconds=30), begins=True)
    job = registry.jobs.add(enroll_job(gallery, subject), home=home).job
    return registry.enrollments.record(
        job.id,
        job.attempt,
        Enrollment(
            name=name,
            metadata=metadata or {},
            checkpoint_id=checkpoint_id,
            walks=tuple(new_walk(vector_d, gei_png=gei_png) for vector_d in vectors),
        ),
        lambda enrolled: {"subject": enrolled.subject, "walks": list(enrolled.walks)},
    )
