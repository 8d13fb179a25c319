"""What one job does: recording → silhouettes → GEI → embedding → enrolment or decision.

Shape letters: K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from app.errors import NotReady, UnknownGallery
from app.registry import (
    Enrolled,
    Enrollment,
    Job,
    NewWalk,
    Registry,
    Serving,
    ServingChanged,
    SubjectErased,
)
from app.search import (
    Candidate,
    Decision,
    GallerySearch,
    SearchResult,
    ThresholdBasis,
    decide_together,
    decide_verification,
    possible_duplicates,
)
from app.telemetry import Metrics
from app.worker.explaining import explains, explanations
from app.worker.outcomes import Json
from app.worker.recognisers import Recogniser, Recognisers
from app.worker.results import (
    check_result,
    enrollment_result,
    everybody_result,
    identification_result,
    verification_result,
)
from app.worker.storage import UploadStorage
from app.worker.timing import Timing
from app.worker.walkers import Walker, WalkerReader, seen_together
from model.capture import WalkerChoice

# A probe names at most this many possible duplicates of a new subject.
_MOST_DUPLICATES = 5
# A subject named in a result may be erased while the result is being stored; then the search is
# made again. Each round needs another erasure at just that moment.
_STORE_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where decisions are made, from the settings.

    Attributes:
        duplicate_fmr: false match rate at which an enrolment names possible duplicates.
        enroll_min_quality: score below which a walk is not enrolled, 0 to 1.
    """

    duplicate_fmr: float
    enroll_min_quality: float


class Pipeline:
    """Runs jobs; one object for all threads.

    Args:
        registry: receives walks and results.
        search: finds candidates.
        reader: turns recordings into walkers.
        storage: holds the uploads.
        recognisers: the checkpoints; each job asks the registry which one serves.
        thresholds: turn scores into decisions.
        metrics: receives stage times and decisions.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        search: GallerySearch,
        reader: WalkerReader,
        storage: UploadStorage,
        recognisers: Recognisers,
        thresholds: Thresholds,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._search = search
        self._reader = reader
        self._storage = storage
        self._recognisers = recognisers
        self._thresholds = thresholds
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
        timing = Timing(waited_ms)
        for _ in range(_STORE_ROUNDS):
            serving = self._serving()
            wanted = serving.ids if job.kind == "enroll" else (serving.active,)
            try:
                with self._recognisers.for_job(wanted) as recognisers:
                    return self._run(job, timing, serving, recognisers)
            except ServingChanged:
                continue
        raise RuntimeError("other checkpoints came to serve again and again")

    def _serving(self) -> Serving:
        serving = self._registry.checkpoints.serving()
        if serving is None:
            raise NotReady("No checkpoint serves yet.")
        return serving

    def _run(
        self, job: Job, timing: Timing, serving: Serving, recognisers: Sequence[Recogniser]
    ) -> Json:
        by = recognisers[0]
        recordings = [self._read(job, names, timing, recognisers) for names in job.uploads]
        for _ in range(_STORE_ROUNDS):
            try:
                if job.kind == "enroll":
                    walkers = [walker for (walker,) in recordings]
                    if _only_checks(job):
                        return self._check(job, walkers, timing, by)
                    return self._enroll(job, walkers, timing, serving, by)
                if job.kind == "identify":
                    return self._identify(job, recordings[0], timing, by)
                return self._verify(job, recordings[0][0], timing, by)
            except SubjectErased:
                continue
        raise RuntimeError("subjects named in the result were erased again and again")

    def _read(
        self, job: Job, names: Sequence[str], timing: Timing, recognisers: Sequence[Recogniser]
    ) -> tuple[Walker, ...]:
        fps = job.request.get("fps")
        with self._storage.fetched(names) as paths:
            return self._reader.read(
                paths,
                _choice(job),
                timing.stages_ms,
                recognisers[0],
                upcoming=recognisers[1:],
                frames_per_second=float(fps) if isinstance(fps, (int, float)) else None,
                least_quality=self._least_quality(job),
            )

    def _least_quality(self, job: Job) -> float:
        stores = job.kind == "enroll" and not _only_checks(job)
        return self._thresholds.enroll_min_quality if stores else 0.0

    def _check(self, job: Job, walkers: list[Walker], timing: Timing, by: Recogniser) -> Json:
        """What an enrolment would find, without it."""
        with self._metrics.stage("search", timing.stages_ms):
            alike = self._duplicates(job, walkers, by)
        usable = [each for walker in walkers for each in walker.usable]
        result = check_result(
            job,
            walkers,
            alike,
            by.checkpoint_id,
            timing.until_now(),
            least_quality=self._thresholds.enroll_min_quality,
        )
        with self._metrics.stage("store", {}):
            self._registry.jobs.finish(
                job.id,
                job.attempt,
                result,
                mentions=sorted(each.subject for each in alike),
                gei_png_by_walker={
                    number: each.judged.gei_png for number, each in enumerate(usable, start=1)
                },
            )
        return result

    def _enroll(
        self, job: Job, walkers: list[Walker], timing: Timing, serving: Serving, by: Recogniser
    ) -> Json:
        with self._metrics.stage("search", timing.stages_ms):
            duplicates = self._duplicates(job, walkers, by)
        walks = tuple(
            NewWalk(
                gei_png=usable.judged.gei_png,
                quality=usable.judged.quality,
                source="frames" if len(names) > 1 else "file",
                vector_d=usable.vector_d,
                direction=usable.walk.direction,
                other_vectors_d=usable.other_vectors_d,
                refusals=usable.refusals,
            )
            for names, walker in zip(job.uploads, walkers, strict=True)
            for usable in walker.usable
        )
        name, metadata = job.request.get("name"), job.request.get("metadata")
        enrollment = Enrollment(
            name=name if isinstance(name, str) else None,
            metadata=metadata if isinstance(metadata, dict) else {},
            checkpoint_id=by.checkpoint_id,
            walks=walks,
            serving=serving,
        )
        result: Json = {}

        def result_of(enrolled: Enrolled) -> Json:
            result.update(
                enrollment_result(
                    job,
                    enrolled,
                    walkers,
                    walks,
                    duplicates,
                    by.checkpoint_id,
                    timing.until_now(),
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

    def _duplicates(self, job: Job, walkers: list[Walker], by: Recogniser) -> tuple[Candidate, ...]:
        """Others already enrolled who walk much like the job's subject."""
        # Named only to who could ask by /identify: see `app.http.forms.enroll_job`.
        if not job.request.get("names_duplicates", True):
            return ()
        vectors_kd = np.stack([usable.vector_d for walker in walkers for usable in walker.usable])
        try:
            found = self._search.search(
                job.gallery, by.checkpoint_id, vectors_kd, top_k=_MOST_DUPLICATES + 1
            )
        except UnknownGallery:
            return ()
        return possible_duplicates(
            found,
            self._basis(job.gallery, by),
            subject=_subject_of(job),
            target_fmr=self._thresholds.duplicate_fmr,
        )[:_MOST_DUPLICATES]

    def _identify(
        self, job: Job, walkers: Sequence[Walker], timing: Timing, by: Recogniser
    ) -> Json:
        usable = [walker for walker in walkers if walker.usable]
        with self._metrics.stage("search", timing.stages_ms):
            results = self._searched(job, usable, by)
            basis = self._basis(job.gallery, by)
            decisions = _decide(job, usable, results, basis)
        explained: dict[int, bytes] = {}
        if explains(job):
            with self._metrics.stage("explain", timing.stages_ms):
                explained = explanations(usable, results, basis, by.gei)
        if _choice(job) == "all":
            result = everybody_result(
                job,
                list(zip(usable, decisions, strict=True)),
                [walker for walker in walkers if not walker.usable],
                by.checkpoint_id,
                timing.until_now(),
            )
        else:
            result = identification_result(
                job, usable[0], decisions[0], by.checkpoint_id, timing.until_now()
            )
        named = {candidate.subject for each in decisions for candidate in each.candidates}
        named.update(each.subject for each in decisions if each.subject is not None)
        self._finish(job, usable, result, sorted(named), explained)
        for decision in decisions:
            self._metrics.decisions.labels(job.kind, decision.decision).inc()
        return result

    def _searched(
        self, job: Job, walkers: Sequence[Walker], by: Recogniser
    ) -> tuple[SearchResult, ...]:
        """What is found of each walker; candidates beyond those asked for serve the decision."""
        top_k = max(int(_figure(job, "top_k")), len(walkers))
        return tuple(
            self._search.search(job.gallery, by.checkpoint_id, walker.vector_d[None], top_k=top_k)
            for walker in walkers
        )

    def _verify(self, job: Job, walker: Walker, timing: Timing, by: Recogniser) -> Json:
        with self._metrics.stage("search", timing.stages_ms):
            comparison = self._search.compare(
                job.gallery, by.checkpoint_id, walker.vector_d[None], _subject_of(job)
            )
            verification = decide_verification(
                comparison,
                self._basis(job.gallery, by),
                target_fmr=_figure(job, "target_fmr"),
            )
        result = verification_result(
            job, walker, verification, comparison, by.checkpoint_id, timing.until_now()
        )
        self._finish(job, [walker], result, [verification.subject])
        self._metrics.decisions.labels(job.kind, verification.decision).inc()
        return result

    def _basis(self, gallery: str, by: Recogniser) -> ThresholdBasis:
        own = self._registry.thresholds.of(gallery, by.checkpoint_id)
        return ThresholdBasis(by.calibration, own)

    def _finish(
        self,
        job: Job,
        walkers: Sequence[Walker],
        result: Json,
        named: list[str],
        explained: dict[int, bytes] | None = None,
    ) -> None:
        with self._metrics.stage("store", {}):
            self._registry.jobs.finish(
                job.id,
                job.attempt,
                result,
                mentions=named,
                gei_png_by_walker={walker.number: walker.best.gei_png for walker in walkers},
                explanation_by_walker=explained,
            )


def _decide(
    job: Job, walkers: Sequence[Walker], results: Sequence[SearchResult], basis: ThresholdBasis
) -> tuple[Decision, ...]:
    """Who each walker is."""
    top_k = int(_figure(job, "top_k"))
    decisions = decide_together(
        results,
        basis,
        target_fpir=_figure(job, "target_fpir"),
        together=seen_together(walkers),
    )
    return tuple(replace(each, candidates=each.candidates[:top_k]) for each in decisions)


def _subject_of(job: Job) -> str:
    if job.subject is None:
        raise ValueError(f"job {job.id} names no subject")
    return job.subject


def _choice(job: Job) -> WalkerChoice:
    # A job that an older process accepted does not say.
    return cast(WalkerChoice, job.request.get("walker", "only"))


def _only_checks(job: Job) -> bool:
    return job.request.get("check") is True


def _figure(job: Job, name: str) -> float:
    value = job.request[name]
    if not isinstance(value, (int, float)):
        raise TypeError(f"job {job.id} has no number {name}")
    return float(value)
