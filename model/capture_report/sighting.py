"""Everybody in a recording with what is thought of each of their walks, usable or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.capture import CapturedWalk, CaptureLimits, Recording, WalkerChoice, capture_recording
from model.capture.segmenter import Segmenter
from model.capture.walk import DEFAULT_SEGMENTER
from model.gei import GeiConfig
from model.judged_walk import JudgedWalk, RefusedWalk, judged_walk
from model.refusals import SeveralWalkers, WalkRefused


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the service sees in one recording.

    Attributes:
        people: the walks of everybody, one entry per person.
        chosen: numbers of those whose walks the service would use.
        refusal: why it would use none; None when it would.
        recording: None where nobody walks.
    """

    people: tuple[tuple[JudgedWalk | RefusedWalk, ...], ...]
    chosen: frozenset[int]
    refusal: WalkRefused | None
    recording: Recording | None

    @property
    def walks(self) -> tuple[CapturedWalk, ...]:
        """Of everybody."""
        return tuple(each.walk for walks in self.people for each in walks)

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values."""
        refusal = self.refusal
        return {
            "usable": refusal is None,
            "problem": refusal and refusal.code,
            "detail": refusal and refusal.detail,
            "advice": refusal and refusal.advice,
            "walkers": [
                {
                    "number": walks[0].walk.walker,
                    "chosen": walks[0].walk.walker in self.chosen,
                    "height_pixels": round(max(each.walk.height for each in walks), 1),
                    "walks": [_walk_json(each) for each in walks],
                }
                for walks in self.people
            ],
        }


def look(
    paths: Sequence[Path],
    choice: WalkerChoice,
    limits: CaptureLimits,
    config: GeiConfig,
    *,
    frames_per_second: float | None = None,
    segmenter: Segmenter = DEFAULT_SEGMENTER,
) -> Sighting:
    """Sees a recording as the service does, but goes on where the service would refuse.

    Args:
        paths: one file, or frames in walking order.
        choice: whose walks are wanted.
        limits: what decoding may cost.
        config: the settings of the gait energy image.
        frames_per_second: of a bundle of frames, if known.
        segmenter: tells people from the scene.
    """
    try:
        recording = capture_recording(
            paths, limits, frames_per_second=frames_per_second, segmenter=segmenter
        )
    except WalkRefused as refusal:
        return Sighting((), frozenset(), refusal, None)
    people = tuple(
        tuple(judged_walk(walk, recording.scene, config) for walk in walks)
        for walks in recording.walks_by_walker()
    )
    try:
        chosen = frozenset(walks[0].walker for walks in recording.choose(choice))
    except SeveralWalkers as refusal:
        return Sighting(people, frozenset(), refusal, recording)
    wanted = [each for walks in people for each in walks if each.walk.walker in chosen]
    refused = [each for each in wanted if isinstance(each, RefusedWalk)]
    longest = max(refused, key=lambda each: each.walk.frames, default=None)
    nothing_left = longest is not None and len(refused) == len(wanted)
    return Sighting(
        people, chosen, longest.refusal if nothing_left and longest else None, recording
    )


def _walk_json(each: JudgedWalk | RefusedWalk) -> dict[str, object]:
    if isinstance(each, RefusedWalk):
        refusal = each.refusal
        return {
            **each.walk.to_json(),
            "used": False,
            "problem": refusal.code,
            "detail": refusal.detail,
            "advice": refusal.advice,
        }
    return {**each.walk.to_json(), "used": True, "quality": each.quality}
