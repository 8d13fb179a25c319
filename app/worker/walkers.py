"""The people of one recording, ready to be recognised: captured, judged, embedded.

Shape letters: K walks of one person, D embedding size.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.telemetry import Metrics
from app.worker.recognisers import Recogniser
from model.capture import CapturedWalk, CaptureLimits, WalkerChoice, capture_recording
from model.capture.recording import SceneFacts
from model.capture.segmenter import Segmenter
from model.judged_walk import JudgedWalk, RefusedWalk, judged_walk


@dataclass(frozen=True, slots=True)
class UsableWalk:
    """A walk that can be recognised.

    Attributes:
        judged: the walk with its image.
        vector_d: (D,) float32, length 1: the embedding of the image by the checkpoint that serves.
        other_vectors_d: (D,) likewise, by the id of each checkpoint that is being made ready.
        refusals: why one of those cannot embed the walk, by the checkpoint's id.
    """

    judged: JudgedWalk
    vector_d: NDArray[np.float32]
    other_vectors_d: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    @property
    def walk(self) -> CapturedWalk:
        """As captured."""
        return self.judged.walk


@dataclass(frozen=True, slots=True)
class Walker:
    """One person of a recording.

    Attributes:
        usable: their walks with an image, in order of time; may be empty.
        unusable: their other walks.
    """

    usable: tuple[UsableWalk, ...]
    unusable: tuple[RefusedWalk, ...]

    @property
    def walks(self) -> tuple[CapturedWalk, ...]:
        """All walks, in order of time."""
        found = [each.walk for each in self.usable] + [each.walk for each in self.unusable]
        return tuple(sorted(found, key=lambda walk: walk.first_frame))

    @property
    def number(self) -> int:
        """Of the person in the recording, from 1."""
        return self.walks[0].walker

    @property
    def height_pixels(self) -> float:
        """Of the person where they are tallest, in pixels of the working frames."""
        return max(walk.height for walk in self.walks)

    @property
    def best(self) -> JudgedWalk:
        """The usable walk that can be relied on most."""
        return max(self.usable, key=lambda each: each.judged.judgement.score).judged

    @property
    def vector_d(self) -> NDArray[np.float32]:
        """(D,) of length 1: the direction in which the usable walks lie together.

        The thresholds are calibrated for one probe vector. The best score of K vectors would reach
        them more often by chance: for 200 generated strangers with three passes each, 6.5 % did
        where 5 % were promised; with the mean direction 3 % do, with the first pass alone 2 %
        (`tests/benchmarks/bench_passes.py`). The mean of the scores, without the length taken out,
        keeps the promise too but costs those who are enrolled a part of every score.
        """
        mean_d = np.mean([each.vector_d for each in self.usable], axis=0)
        unit_d: NDArray[np.float32] = (mean_d / np.linalg.norm(mean_d)).astype(np.float32)
        return unit_d


class WalkerReader:
    """Turns recordings into walkers; one object for all threads.

    Args:
        limits: what one recording may cost.
        segmenter: tells people from the scene.
        slots: recordings turned into silhouettes at the same time.
        metrics: receives stage times.
    """

    def __init__(
        self,
        *,
        limits: CaptureLimits,
        segmenter: Segmenter,
        slots: int,
        metrics: Metrics,
    ) -> None:
        self._limits = limits
        self._segmenter = segmenter
        self._slots = threading.BoundedSemaphore(slots)
        self._metrics = metrics

    def read(
        self,
        paths: Sequence[Path],
        choice: WalkerChoice,
        stages_ms: dict[str, float],
        recogniser: Recogniser,
        *,
        upcoming: Sequence[Recogniser] = (),
        frames_per_second: float | None,
        least_quality: float = 0.0,
    ) -> tuple[Walker, ...]:
        """Reads one recording.

        Args:
            paths: its file, or its frames.
            choice: whose walks are wanted.
            stages_ms: receives the milliseconds of each stage.
            recogniser: the checkpoint that serves.
            upcoming: those that are being made ready; the walks are embedded by them too.
            frames_per_second: of a bundle of frames, if known.
            least_quality: walks judged below this score are left out, 0 to 1.

        Returns:
            The people who are wanted; at least one of them has a usable walk.

        Raises:
            WalkRefused: nobody has one, or it is not clear who is meant.
        """
        with self._slots:
            with self._metrics.stage("capture", stages_ms):
                recording = capture_recording(
                    paths,
                    self._limits,
                    frames_per_second=frames_per_second,
                    segmenter=self._segmenter,
                )
            people = recording.choose(choice)
            with self._metrics.stage("gei", stages_ms):
                judged = [
                    [
                        judged_walk(
                            walk, recording.scene, recogniser.gei, least_quality=least_quality
                        )
                        for walk in walks
                    ]
                    for walks in people
                ]
        judged_walks = [each for walks in judged for each in walks]
        self._count(judged_walks)
        images = [each.image.gei_hw for each in judged_walks if isinstance(each, JudgedWalk)]
        if not images:
            refused = [each for each in judged_walks if isinstance(each, RefusedWalk)]
            raise max(refused, key=lambda each: each.walk.frames).refusal
        with self._metrics.stage("encode", stages_ms):
            vectors = iter(recogniser.batcher.encode(images))
        return tuple(
            Walker(
                usable=tuple(
                    _embedded_by_others(
                        UsableWalk(each, next(vectors)), recording.scene, recogniser, upcoming
                    )
                    for each in walks
                    if isinstance(each, JudgedWalk)
                ),
                unusable=tuple(each for each in walks if isinstance(each, RefusedWalk)),
            )
            for walks in judged
        )

    def _count(self, walks: Sequence[JudgedWalk | RefusedWalk]) -> None:
        for each in walks:
            if isinstance(each, JudgedWalk):
                self._metrics.walk_quality.observe(each.judgement.score)
            else:
                self._metrics.walks_refused.labels(each.refusal.code).inc()


def _embedded_by_others(
    usable: UsableWalk,
    scene: SceneFacts | None,
    recogniser: Recogniser,
    upcoming: Sequence[Recogniser],
) -> UsableWalk:
    """The same walk, embedded by checkpoints that may make their GEIs in another way."""
    vectors_d: dict[str, NDArray[np.float32]] = {}
    refusals: dict[str, str] = {}
    for other in upcoming:
        image = usable.judged.image
        if other.gei != recogniser.gei:
            judged = judged_walk(usable.walk, scene, other.gei)
            if isinstance(judged, RefusedWalk):
                refusals[other.checkpoint_id] = judged.refusal.code
                continue
            image = judged.image
        (vectors_d[other.checkpoint_id],) = other.batcher.encode([image.gei_hw])
    return replace(usable, other_vectors_d=vectors_d, refusals=refusals)


def seen_together(walkers: Sequence[Walker]) -> list[tuple[int, int]]:
    """Pairs of places in `walkers` who were in the picture at the same time."""
    return [
        (a, b)
        for (a, one), (b, other) in combinations(enumerate(walkers), 2)
        if any(
            mine.walker in theirs.seen_with
            or theirs.walker in mine.seen_with
            or (mine.first_frame <= theirs.last_frame and theirs.first_frame <= mine.last_frame)
            for mine in one.walks
            for theirs in other.walks
        )
    ]
