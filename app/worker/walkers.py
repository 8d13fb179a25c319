"""The people of one recording, ready to be recognised: captured, judged, embedded.

Shape letters: H rows, W columns, K walks of one person, D embedding size.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.telemetry import Metrics
from app.worker.batcher import Batcher
from model.capture import CapturedWalk, CaptureLimits, Recording, WalkerChoice, capture_recording
from model.gei import EnergyImage, GeiConfig, energy_image
from model.judgement import Judgement, judge
from model.refusals import WalkQualityTooLow, WalkRefused


@dataclass(frozen=True, slots=True)
class UsableWalk:
    """A walk that has a gait energy image.

    Attributes:
        walk: as captured.
        image: its gait energy image.
        judgement: how far it can be relied on.
        vector_d: (D,) float32, length 1.
    """

    walk: CapturedWalk
    image: EnergyImage
    judgement: Judgement
    vector_d: NDArray[np.float32]

    @property
    def quality(self) -> dict[str, object]:
        """What was measured and what was judged, as JSON."""
        return self.image.quality.to_json() | self.judgement.to_json()

    @property
    def gei_png(self) -> bytes:
        """The gait energy image as a file."""
        done, png = cv2.imencode(".png", self.image.gei_hw)
        if not done:
            raise ValueError("the GEI cannot be written as a PNG")
        return png.tobytes()


@dataclass(frozen=True, slots=True)
class UnusableWalk:
    """A walk that was seen and left out.

    Attributes:
        walk: as captured.
        refusal: why.
    """

    walk: CapturedWalk
    refusal: WalkRefused


@dataclass(frozen=True, slots=True)
class Walker:
    """One person of a recording.

    Attributes:
        usable: their walks with an image, in order of time; may be empty.
        unusable: their other walks.
    """

    usable: tuple[UsableWalk, ...]
    unusable: tuple[UnusableWalk, ...]

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
    def best(self) -> UsableWalk:
        """The usable walk that can be relied on most."""
        return max(self.usable, key=lambda each: each.judgement.score)

    @property
    def vector_d(self) -> NDArray[np.float32]:
        """(D,) of length 1: the direction in which the usable walks lie together.

        The thresholds are calibrated for one probe vector. The best score of K vectors would reach
        them up to K times as often by chance; the mean's does not, and a person's own walks lie
        nearer to their mean than to one another.
        """
        mean_d = np.mean([each.vector_d for each in self.usable], axis=0)
        unit_d: NDArray[np.float32] = (mean_d / np.linalg.norm(mean_d)).astype(np.float32)
        return unit_d


class WalkerReader:
    """Turns recordings into walkers; one object for all threads.

    Args:
        batcher: turns GEIs into vectors.
        gei: the settings of the checkpoint.
        limits: what one recording may cost.
        slots: recordings turned into silhouettes at the same time.
        metrics: receives stage times.
    """

    def __init__(
        self,
        *,
        batcher: Batcher,
        gei: GeiConfig,
        limits: CaptureLimits,
        slots: int,
        metrics: Metrics,
    ) -> None:
        self._batcher = batcher
        self._gei = gei
        self._limits = limits
        self._slots = threading.BoundedSemaphore(slots)
        self._metrics = metrics

    def read(
        self,
        paths: Sequence[Path],
        choice: WalkerChoice,
        stages_ms: dict[str, float],
        *,
        frames_per_second: float | None,
        least_quality: float = 0.0,
    ) -> tuple[Walker, ...]:
        """Reads one recording.

        Args:
            paths: its file, or its frames.
            choice: whose walks are wanted.
            stages_ms: receives the milliseconds of each stage.
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
                    paths, self._limits, frames_per_second=frames_per_second
                )
            people = recording.choose(choice)
            with self._metrics.stage("gei", stages_ms):
                judged = [
                    [self._judged(walk, recording, least_quality) for walk in walks]
                    for walks in people
                ]
        judged_walks = [each for walks in judged for each in walks]
        images = [each.image.gei_hw for each in judged_walks if isinstance(each, _Judged)]
        if not images:
            refused = [each for each in judged_walks if isinstance(each, UnusableWalk)]
            raise max(refused, key=lambda each: each.walk.frames).refusal
        with self._metrics.stage("encode", stages_ms):
            vectors = iter(self._batcher.encode(images))
        return tuple(
            Walker(
                usable=tuple(
                    UsableWalk(each.walk, each.image, each.judgement, next(vectors))
                    for each in walks
                    if isinstance(each, _Judged)
                ),
                unusable=tuple(each for each in walks if isinstance(each, UnusableWalk)),
            )
            for walks in judged
        )

    def _judged(
        self, walk: CapturedWalk, recording: Recording, least_quality: float
    ) -> _Judged | UnusableWalk:
        try:
            image = energy_image(walk.sequence, self._gei)
        except WalkRefused as refusal:
            return UnusableWalk(walk, refusal)
        judgement = judge(walk, recording.scene, image)
        if judgement.score < least_quality:
            return UnusableWalk(walk, _too_poor(judgement, least_quality))
        return _Judged(walk, image, judgement)


def seen_together(walkers: Sequence[Walker]) -> list[tuple[int, int]]:
    """Pairs of places in `walkers` who walk at the same time for a frame or more."""
    return [
        (a, b)
        for (a, one), (b, other) in combinations(enumerate(walkers), 2)
        if any(
            mine.first_frame <= theirs.last_frame and theirs.first_frame <= mine.last_frame
            for mine in one.walks
            for theirs in other.walks
        )
    ]


@dataclass(frozen=True, slots=True)
class _Judged:
    walk: CapturedWalk
    image: EnergyImage
    judgement: Judgement


def _too_poor(judgement: Judgement, least_quality: float) -> WalkQualityTooLow:
    sentences = [finding.sentence for finding in judgement.findings]
    return WalkQualityTooLow(
        " ".join(
            [
                f"The walk's quality is {judgement.score:.2f}; {least_quality:.2f} is needed.",
                *sentences,
            ]
        ),
        " ".join(finding.advice for finding in judgement.findings),
        score=round(judgement.score, 3),
        least=least_quality,
        findings=[finding.code for finding in judgement.findings],
    )
