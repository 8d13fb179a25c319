"""What is wrong with a capture, in words that a person at the camera can act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from model.capture.recording import SceneFacts
from model.judgement_evidence import WalkEvidence

LEAST_HEIGHT_PIXELS = 48
"""Generated walkers are recognised as well as larger ones from 40 on; real masks are coarser."""
LEAST_CYCLES = 2
LEAST_FRAMES_PER_SECOND = 15
LEAST_COMPLETENESS = 0.85
VAGUE_SHARPNESS = 0.45
"""Steady walks have 0.6 to 1.3."""
MOST_CUT_SHARE = 0.3
"""Whoever crosses the whole picture is cut while coming and going; that alone is no fault."""
MOST_STILL_SHARE = 0.12
"""Of 405 clean walks without a halt 3 have more."""
RUNNING_SECONDS = 0.8
"""Of one cycle. Adults walk at 0.9 to 1.4 s and run at 0.6 to 0.75 s."""
WIDEST_HEAD = 0.145
"""Mean width of the uppermost eighth, of the height. Caps and hair stay below 0.14."""
WIDEST_HEAD_OF_TRUNK = 0.8
"""Heads have 0.3 to 0.65 of the trunk's width; shoulders and hips are as wide as it."""
WIDEST_LEGS = 0.215
"""Mean width of the lowest quarter, of the height. What ends at the knees is wider."""
MOST_LOWER_SHARE = 0.54
"""Of the area of a walker without a head. Without shanks the lower half is hips and arms: more."""
SMEAR_PIXELS = 2.0
"""How much wider than it is something in a picture is seen: a pixel on either side."""
LEAST_LOWER_SHARE = 0.33
"""Of the area. Whole walkers have 0.35 to 0.60."""
MOST_FLICKER = 0.08
MOST_FLICKER_SMALL = 0.16
"""Below `LEAST_HEIGHT_PIXELS`, where one row of pixels is a larger share."""
MOST_PIECES = 2.0
MOST_HOLES = 0.06
MOST_HEIGHT_JITTER = 0.06
LEAST_LIGHT = 40.0
"""Of 255; below, a camera's noise is as large as what clothes differ by."""
LEAST_CONTRAST = 4.0
"""In units of the scene's noise; three are what noise itself reaches."""
MOST_DRIFT = 0.01
"""Of the frame's width: about the width of a walker's shin."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a capture.

    Attributes:
        code: stable, in kebab-case; programs may branch on it.
        sentence: about this walk, with its figures.
        advice: what to do about it at the camera.
    """

    code: str
    sentence: str
    advice: str

    def to_json(self) -> dict[str, str]:
        """The same as plain JSON values."""
        return asdict(self)


def findings_of(evidence: WalkEvidence, scene: SceneFacts | None) -> tuple[Finding, ...]:
    """What is wrong with one walk; empty for a good capture.

    Args:
        evidence: measured on the walk.
        scene: measured on the camera's picture; None for silhouettes.
    """
    found = [rule.finding(evidence) for rule in _WALK_RULES]
    if scene is not None:
        found += [rule.finding(scene) for rule in _SCENE_RULES]
    return tuple(finding for finding in found if finding is not None)


_Facts = TypeVar("_Facts")


@dataclass(frozen=True, slots=True)
class _Rule(Generic[_Facts]):
    """`sentence` says what is wrong with the facts, or None."""

    code: str
    sentence: Callable[[_Facts], str | None]
    advice: str

    def finding(self, facts: _Facts) -> Finding | None:
        sentence = self.sentence(facts)
        return None if sentence is None else Finding(self.code, sentence, self.advice)


def _too_small(walk: WalkEvidence) -> str | None:
    if walk.height_pixels >= LEAST_HEIGHT_PIXELS:
        return None
    return (
        f"The walker is {walk.height_pixels:.0f} pixels tall;"
        f" {LEAST_HEIGHT_PIXELS} or more are needed."
    )


def _cut_at_border(walk: WalkEvidence) -> str | None:
    if walk.cut_share <= MOST_CUT_SHARE:
        return None
    return f"In {walk.cut_share:.0%} of the frames the picture's border hides part of the walker."


def _head_hidden(walk: WalkEvidence) -> str | None:
    if not _is_headless(walk):
        return None
    return (
        f"The top of the silhouette is {walk.head_width:.0%} of its height wide and the trunk"
        f" {walk.trunk_width:.0%}; heads are narrower: the head is hidden."
    )


def _legs_hidden(walk: WalkEvidence) -> str | None:
    if _is_headless(walk):  # then all widths are shares of a wrong height
        return None
    if walk.leg_width > WIDEST_LEGS + SMEAR_PIXELS / walk.height_pixels:
        return (
            f"The lowest quarter of the silhouette is {walk.leg_width:.0%} of its height wide, legs"
            f" are about {WIDEST_LEGS:.0%} at most: the legs are hidden, or shadow or blur is part"
            " of them."
        )
    if walk.lower_share < LEAST_LOWER_SHARE:
        return (
            f"The lower half of the walker holds {walk.lower_share:.0%} of the silhouette, usual"
            f" are {LEAST_LOWER_SHARE:.0%} or more: parts of the legs are missing."
        )
    return None


def _is_headless(walk: WalkEvidence) -> bool:
    return (
        walk.head_width > WIDEST_HEAD
        and walk.head_width > WIDEST_HEAD_OF_TRUNK * walk.trunk_width
        and walk.lower_share <= MOST_LOWER_SHARE
    )


def _too_few_cycles(walk: WalkEvidence) -> str | None:
    if walk.cycles >= LEAST_CYCLES:
        return None
    return (
        f"{walk.cycles:.0f} whole gait cycle was seen, in {walk.frames_used} usable frames;"
        f" {LEAST_CYCLES} or more are better."
    )


def _stands_still(walk: WalkEvidence) -> str | None:
    if walk.still_share <= MOST_STILL_SHARE:
        return None
    return f"The legs stand still in {walk.still_share:.0%} of the walk."


def _runs(walk: WalkEvidence) -> str | None:
    if walk.period_seconds is None or walk.period_seconds >= RUNNING_SECONDS:
        return None
    return (
        f"One gait cycle takes {walk.period_seconds:.2f} seconds; people who walk need"
        f" {RUNNING_SECONDS:.1f} or more."
    )


def _frame_rate_low(walk: WalkEvidence) -> str | None:
    rate = walk.frames_per_second
    if rate is None or rate >= LEAST_FRAMES_PER_SECOND:
        return None
    return (
        f"The recording has {rate:.0f} frames per second;"
        f" {LEAST_FRAMES_PER_SECOND} or more are needed."
    )


def _period_vague(walk: WalkEvidence) -> str | None:
    if walk.period_sharpness >= VAGUE_SHARPNESS:
        return None
    return (
        f"The legs repeat themselves vaguely: their period shows at {walk.period_sharpness:.2f},"
        f" in steady walks at {VAGUE_SHARPNESS:.2f} or more."
    )


def _frames_dropped(walk: WalkEvidence) -> str | None:
    if walk.completeness >= LEAST_COMPLETENESS:
        return None
    return (
        f"{1.0 - walk.completeness:.0%} of the frames could not be used: the walker was lost, or"
        " head or feet were missing."
    )


def _ragged_mask(walk: WalkEvidence) -> str | None:
    small = walk.height_pixels < LEAST_HEIGHT_PIXELS
    if walk.pieces > MOST_PIECES:
        return f"The silhouette falls into {walk.pieces:.1f} pieces on average."
    if walk.holes > MOST_HOLES:
        return f"Holes take {walk.holes:.0%} of the silhouette's area."
    if walk.flicker > (MOST_FLICKER_SMALL if small else MOST_FLICKER):
        return f"{walk.flicker:.0%} of head and trunk change from frame to frame and back."
    if walk.height_jitter > MOST_HEIGHT_JITTER:
        return (
            f"The silhouette's height jumps by {walk.height_jitter:.0%} from frame to frame: head"
            " or feet come and go."
        )
    return None


def _several_people(walk: WalkEvidence) -> str | None:
    if walk.people < 2:
        return None
    return (
        f"{walk.people} people are seen at the same time; where they meet, their silhouettes run"
        " together."
    )


def _camera_moves(scene: SceneFacts) -> str | None:
    if scene.drift <= MOST_DRIFT:
        return None
    return f"The camera moved by {scene.drift:.1%} of the picture's width."


def _light_low(scene: SceneFacts) -> str | None:
    if scene.light >= LEAST_LIGHT:
        return None
    return (
        f"The scene is dark: its median is {scene.light:.0f} of 255;"
        f" {LEAST_LIGHT:.0f} or more are needed."
    )


def _low_contrast(scene: SceneFacts) -> str | None:
    if scene.contrast >= LEAST_CONTRAST:
        return None
    return (
        f"The walker differs from the background by {scene.contrast:.1f} times the picture's noise;"
        f" {LEAST_CONTRAST:.0f} or more are needed."
    )


_WALK_RULES = (
    _Rule(
        "too-small",
        _too_small,
        "Move the camera closer, zoom in, or record at a higher resolution.",
    ),
    _Rule(
        "cut-at-border",
        _cut_at_border,
        "Aim the camera so that head, feet and the whole walk stay inside the picture.",
    ),
    _Rule(
        "head-hidden",
        _head_hidden,
        "Clear what stands between camera and head, and choose a background of another colour than"
        " hair and top.",
    ),
    _Rule(
        "legs-hidden",
        _legs_hidden,
        "Clear what stands between camera and legs, avoid hard shadows and blur, and choose a"
        " background of another colour than trousers and shoes.",
    ),
    _Rule(
        "too-few-cycles",
        _too_few_cycles,
        "Record a longer stretch: three seconds of steady walking or more.",
    ),
    _Rule(
        "stands-still",
        _stands_still,
        "Let the person walk through without a stop, or cut the pause out.",
    ),
    _Rule("runs", _runs, "Let the person walk at their ordinary pace."),
    _Rule(
        "frame-rate-low",
        _frame_rate_low,
        f"Set the camera to 25 frames per second, or at least to {LEAST_FRAMES_PER_SECOND}.",
    ),
    _Rule(
        "period-vague",
        _period_vague,
        "Record steady walking in a straight line, without turns, stops or stairs.",
    ),
    _Rule(
        "frames-dropped",
        _frames_dropped,
        "Keep the whole walker in view and the light even, and check that the recording loses no"
        " frames.",
    ),
    _Rule(
        "ragged-mask",
        _ragged_mask,
        "Choose a plain, still background of another colour than the clothes.",
    ),
    _Rule(
        "several-people",
        _several_people,
        "Let the person walk alone, or leave a few metres between people.",
    ),
)
_SCENE_RULES = (
    _Rule("camera-moves", _camera_moves, "Fix the camera to a wall or a tripod."),
    _Rule("light-low", _light_low, "Add light, or open the camera's exposure."),
    _Rule(
        "low-contrast",
        _low_contrast,
        "Let the person walk before a background that differs from the clothes in colour.",
    ),
)
