"""What one job does: recording → silhouettes → GEI → embedding → enrolment or decision.

Shape letters: K vectors of one probe, D embedding size, H rows, W columns.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import UnknownGallery
from app.registry import Enrolled, Enrollment, Job, NewWalk, Registry, SubjectErased
from app.search import (
    Candidate,
    GallerySearch,
    decide,
    decide_verification,
    possible_duplicates,
)
from app.telemetry import Metrics
from app.worker.batcher import Batcher
from app.worker.outcomes import Json
from app.worker.results import enrollment_result, identification_result, verification_result
from app.worker.storage import UploadStorage
from model.calibration import Calibration
from model.capture import CaptureLimits, capture_walk
from model.gei import EnergyImage, GeiConfig, energy_image

# A probe names at most this many possible duplicates of a new subject.
_MOST_DUPLICATES = 5
# A subject named in a result may be erased while the result is being stored; then the search is
# made again. Each round needs another erasure at just that moment.
_STORE_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where decisions are made, from the checkpoint and the settings.

    Attributes:
        calibration: of the checkpoint.
        duplicate_fmr: false match rate at which an enrolment names possible duplicates.
    """

    calibration: Calibration
    duplicate_fmr: float


@dataclass(frozen=True, slots=True)
class _Probe:
    image: EnergyImage
    vector_d: NDArray[np.float32]
    source: str

    @property
    def gei_png(self) -> bytes:
        done, png = cv2.imencode(".png", self.image.gei_hw)
        if not done:
            raise ValueError("the GEI cannot be written as a PNG")
        return png.tobytes()


class Pipeline:
    """Runs jobs; one object for all threads.

    Args:
        registry: receives walks and results.
        search: finds candidates.
        batcher: turns GEIs into vectors.
        storage: holds the uploads.
        gei: the settings of the checkpoint.
        checkpoint_id: names the templates and results.
        thresholds: turn scores into decisions.
        limits: what one recording may cost.
        capture_slots: recordings turned into silhouettes at the same time.
        metrics: receives stage times and decisions.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        search: GallerySearch,
        batcher: Batcher,
        storage: UploadStorage,
        gei: GeiConfig,
        checkpoint_id: str,
        thresholds: Thresholds,
        limits: CaptureLimits,
        capture_slots: int,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._search = search
        self._batcher = batcher
        self._storage = storage
        self._gei = gei
        self._checkpoint_id = checkpoint_id
        self._thresholds = thresholds
        self._limits = limits
        self._capture_slots = threading.BoundedSemaphore(capture_slots)
        self._metrics = metrics

    def run(self, job: Job, waited_ms: float) -> Json:
        """Does the job's work and stores its result under the job's attempt.

        Args:
            job: claimed.
            waited_ms: how long it waited for a thread, in milliseconds.

        Returns:
            The stored result.

        Raises:
            WalkRefused: a recording cannot be used.
            Problem: the gallery or subject is not there.
            LeaseLost: another attempt holds the job now, or it was erased.
        """
        timing = _Timing(waited_ms)
        probes = [self._probe(job, names, timing) for names in job.uploads]
        for _ in range(_STORE_ROUNDS):
            try:
                if job.kind == "enroll":
                    return self._enroll(job, probes, timing)
                if job.kind == "identify":
                    return self._identify(job, probes[0], timing)
                return self._verify(job, probes[0], timing)
            except SubjectErased:
                continue
        raise RuntimeError("subjects named in the result were erased again and again")

    def _probe(self, job: Job, names: Sequence[str], timing: _Timing) -> _Probe:
        paths = [self._storage.path(name) for name in names]
        fps = job.request.get("fps")
        with self._capture_slots:
            with self._metrics.stage("capture", timing.stages_ms):
                sequence = capture_walk(
                    paths,
                    self._limits,
                    frames_per_second=float(fps) if isinstance(fps, (int, float)) else None,
                )
            with self._metrics.stage("gei", timing.stages_ms):
                image = energy_image(sequence, self._gei)
        with self._metrics.stage("encode", timing.stages_ms):
            vector_d = self._batcher.encode(image.gei_hw)
        return _Probe(image, vector_d, source="frames" if len(paths) > 1 else "file")

    def _enroll(self, job: Job, probes: list[_Probe], timing: _Timing) -> Json:
        subject = _subject_of(job)
        with self._metrics.stage("search", timing.stages_ms):
            duplicates = self._duplicates(job.gallery, subject, probes)
        walks = tuple(
            NewWalk(
                gei_png=probe.gei_png,
                quality=probe.image.quality.to_json(),
                source=probe.source,
                vector_d=probe.vector_d,
            )
            for probe in probes
        )
        name, metadata = job.request.get("name"), job.request.get("metadata")
        enrollment = Enrollment(
            name=name if isinstance(name, str) else None,
            metadata=metadata if isinstance(metadata, dict) else {},
            checkpoint_id=self._checkpoint_id,
            walks=walks,
        )
        result: Json = {}

        def result_of(enrolled: Enrolled) -> Json:
            result.update(
                enrollment_result(
                    job, enrolled, walks, duplicates, self._checkpoint_id, timing.until_now()
                )
            )
            return result

        with self._metrics.stage("store", {}):
            self._registry.enrollments.record(
                job.id,
                job.attempt,
                enrollment,
                result_of,
                mentions=[duplicate.subject for duplicate in duplicates],
            )
        return result

    def _duplicates(
        self, gallery: str, subject: str, probes: list[_Probe]
    ) -> tuple[Candidate, ...]:
        """Others already enrolled who walk much like this subject."""
        vectors_kd = np.stack([probe.vector_d for probe in probes])
        try:
            found = self._search.search(
                gallery, self._checkpoint_id, vectors_kd, top_k=_MOST_DUPLICATES + 1
            )
        except UnknownGallery:
            return ()
        return possible_duplicates(
            found,
            self._thresholds.calibration,
            subject=subject,
            target_fmr=self._thresholds.duplicate_fmr,
        )[:_MOST_DUPLICATES]

    def _identify(self, job: Job, probe: _Probe, timing: _Timing) -> Json:
        with self._metrics.stage("search", timing.stages_ms):
            found = self._search.search(
                job.gallery,
                self._checkpoint_id,
                probe.vector_d[None],
                top_k=int(_figure(job, "top_k")),
            )
            decision = decide(
                found, self._thresholds.calibration, target_fpir=_figure(job, "target_fpir")
            )
        result = identification_result(
            job, decision, probe.image.quality.to_json(), self._checkpoint_id, timing.until_now()
        )
        self._finish(job, probe, result, [candidate.subject for candidate in decision.candidates])
        self._metrics.decisions.labels(job.kind, decision.decision).inc()
        return result

    def _verify(self, job: Job, probe: _Probe, timing: _Timing) -> Json:
        with self._metrics.stage("search", timing.stages_ms):
            comparison = self._search.compare(
                job.gallery, self._checkpoint_id, probe.vector_d[None], _subject_of(job)
            )
            verification = decide_verification(
                comparison, self._thresholds.calibration, target_fmr=_figure(job, "target_fmr")
            )
        quality = probe.image.quality.to_json()
        result = verification_result(
            job, verification, comparison, quality, self._checkpoint_id, timing.until_now()
        )
        self._finish(job, probe, result, [verification.subject])
        self._metrics.decisions.labels(job.kind, verification.decision).inc()
        return result

    def _finish(self, job: Job, probe: _Probe, result: Json, mentions: list[str]) -> None:
        with self._metrics.stage("store", {}):
            self._registry.jobs.finish(
                job.id, job.attempt, result, mentions=mentions, gei_png=probe.gei_png
            )


class _Timing:
    """What the answer says of its own making, in milliseconds."""

    def __init__(self, waited_ms: float) -> None:
        self.stages_ms: dict[str, float] = {"queue": round(waited_ms, 2)}
        self._begun = perf_counter()

    def until_now(self) -> dict[str, float]:
        run_ms = (perf_counter() - self._begun) * 1000
        return {**self.stages_ms, "total": round(self.stages_ms["queue"] + run_ms, 2)}


def _subject_of(job: Job) -> str:
    if job.subject is None:
        raise ValueError(f"job {job.id} names no subject")
    return job.subject


def _figure(job: Job, name: str) -> float:
    value = job.request[name]
    if not isinstance(value, (int, float)):
        raise TypeError(f"job {job.id} has no number {name}")
    return float(value)
