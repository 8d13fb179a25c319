"""A captured walk with its gait energy image and its judgement, or the reason why it has none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from model.capture.recording import CapturedWalk, SceneFacts
from model.gei import EnergyImage, GeiConfig, energy_image
from model.judgement import Judgement, judge
from model.refusals import WalkQualityTooLow, WalkRefused


@dataclass(frozen=True, slots=True)
class JudgedWalk:
    """A walk that has a gait energy image.

    Attributes:
        walk: as captured.
        image: its gait energy image.
        judgement: how far it can be relied on.
    """

    walk: CapturedWalk
    image: EnergyImage
    judgement: Judgement

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
class RefusedWalk:
    """A walk that was seen and cannot be used.

    Attributes:
        walk: as captured.
        refusal: why.
    """

    walk: CapturedWalk
    refusal: WalkRefused


def judged_walk(
    walk: CapturedWalk, scene: SceneFacts | None, config: GeiConfig, *, least_quality: float = 0.0
) -> JudgedWalk | RefusedWalk:
    """Makes the image of one walk and judges it.

    Args:
        walk: as captured.
        scene: of its recording.
        config: the settings the network was trained with.
        least_quality: score below which the walk is refused, 0 to 1.
    """
    try:
        image = energy_image(walk.sequence, config)
    except WalkRefused as refusal:
        return RefusedWalk(walk, refusal)
    judgement = judge(walk, scene, image)
    if judgement.score < least_quality:
        return RefusedWalk(walk, _too_poor(judgement, least_quality))
    return JudgedWalk(walk, image, judgement)


def _too_poor(judgement: Judgement, least_quality: float) -> WalkQualityTooLow:
    found = judgement.findings
    verdict = f"The walk's quality is {judgement.score:.2f}; {least_quality:.2f} is needed."
    return WalkQualityTooLow(
        " ".join([verdict, *(finding.sentence for finding in found)]),
        " ".join(finding.advice for finding in found),
        score=round(judgement.score, 3),
        least=least_quality,
        findings=[finding.code for finding in found],
    )
