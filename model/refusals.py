"""Why a recording cannot become a gait energy image: one class per reason.

Each carries the stable `code` that callers may branch on, a `title`, the sentence about *this*
recording (`detail`), and what the person at the camera can do about it (`advice`).
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

Fact: TypeAlias = "str | int | float | bool | list[str] | list[dict[str, object]] | None"
"""A figure for programs, as JSON has it."""


class WalkRefused(Exception):
    """This recording cannot be used. Subclasses name the reason.

    Args:
        detail: one sentence about this recording, with its figures.
        facts: the same figures for programs.
    """

    code: ClassVar[str] = "walk-refused"
    title: ClassVar[str] = "The walk cannot be used"
    advice: str = "Record one person walking past a fixed camera for at least two seconds."

    def __init__(self, detail: str, **facts: Fact) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class MediaNotReadable(WalkRefused):
    """The bytes are not a picture, archive or video that can be decoded."""

    code = "media-not-readable"
    title = "The upload is not readable media"
    advice = (
        "Send one video (MP4, MOV, AVI, MKV, WebM), one .zip or .tar of PNG/JPEG frames, or the"
        " frames themselves as PNG or JPEG parts. Check that the file plays on your own machine."
    )


class MediaTooLarge(WalkRefused):
    """Within the byte limit, but too many pixels, frames, entries or seconds once unpacked."""

    code = "media-too-large"
    title = "The upload unpacks to more than this service accepts"
    advice = "Cut the recording to the walk itself, or scale it down, and send it again."


class ArchiveNotSafe(WalkRefused):
    """An archive with paths that leave it, links, or archives inside."""

    code = "archive-not-safe"
    title = "The archive holds something other than plain frames"
    advice = "Pack only PNG or JPEG files: no links, no absolute or '..' paths, no archives inside."


class NoWalkerFound(WalkRefused):
    """Nothing in the recording moves or stands out like a walking person."""

    code = "no-walker-found"
    title = "No walking person was found"
    advice = (
        "Film one person from head to foot with a camera that does not move; the person should"
        " cross at least a fifth of the picture and be at least 32 pixels tall."
    )


class SeveralWalkers(WalkRefused):
    """More than one person of similar size walks in the recording."""

    code = "several-walkers"
    title = "Several people walk in this recording"
    advice = (
        "Send a recording, or a part of it, in which one person walks alone; or ask for the largest"
        " walker (walker=largest) or, to identify, for each of them (walker=all)."
    )


class WalkerStandsStill(WalkRefused):
    """A person is seen but does not walk."""

    code = "walker-stands-still"
    title = "The person does not walk"
    advice = "Record at least two full steps of each leg at the person's ordinary pace."


class WalkerCutOff(WalkRefused):
    """Head, feet or a side of the walker lies outside the picture most of the time."""

    code = "walker-cut-off"
    title = "The walker is only partly in the picture"
    advice = "Place the camera so that head and feet stay in the picture for the whole walk."


class CameraMoves(WalkRefused):
    """The background moves, so the walker cannot be told from it."""

    code = "camera-moves"
    title = "The camera moves"
    advice = (
        "Fix the camera (tripod, wall) and record again; panning and hand-held clips do not work."
    )


class TooFewFrames(WalkRefused):
    """Fewer usable frames than one gait cycle needs."""

    code = "too-few-frames"
    title = "Too few usable frames"
    advice = "Send at least two seconds of walking, at 15 frames per second or more."


class TooFewCycles(WalkRefused):
    """No whole gait cycle (two steps) could be found."""

    code = "too-few-cycles"
    title = "No whole gait cycle was found"
    advice = (
        "Record at least one full cycle (a step of each leg), better three, without a stop or turn."
    )


class WalkQualityTooLow(WalkRefused):
    """The walk can be read, but would make a template that fails to be recognised.

    Args:
        detail: one sentence about this walk, with its score.
        advice: what to do better, from the findings of the judgement.
        facts: score, floor and findings for programs.
    """

    code = "walk-quality-too-low"
    title = "The walk is too poor to be enrolled"
    advice = "Record the walk again: nearer, wholly in the picture, in even light, without a stop."

    def __init__(self, detail: str, advice: str | None = None, **facts: Fact) -> None:
        super().__init__(detail, **facts)
        self.advice = advice or self.advice
