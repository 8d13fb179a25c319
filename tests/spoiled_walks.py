"""Walks of generated people as bad captures deliver them: one fault, or two, of any strength.

Faults of the segmenter come from the walkers' own (`model/walkers/faults.py`), much stronger than
in training; those of camera and place are put on the finished silhouettes here.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from model.capture.recording import CapturedWalk
from model.datasets.walker_recipe import as_captured
from model.silhouettes import Silhouette, SilhouetteSequence, cut_to_box
from model.walkers import Condition, FaultSettings, Identity, Shot, walk_silhouettes

_NO_KIND = FaultSettings(
    share=1.0,
    camouflage=0.0,
    ragged=0.0,
    frayed=0.0,
    shadow=0.0,
    speckles=0.0,
    swelling=0.0,
    dropouts=0.0,
    feet_lost=0.0,
    coarse=0.0,
)


@dataclass(frozen=True)
class Take:
    """A walk about to be filmed, and what will be done to its silhouettes.

    Attributes:
        shot: how it is filmed.
        faults: of the segmenter.
        halts: whether the person stands still for a part.
        hidden: hides parts of the silhouettes, in this order.
    """

    shot: Shot
    faults: FaultSettings = field(default_factory=FaultSettings.none)
    halts: bool = False
    hidden: tuple[Callable[[SilhouetteSequence], SilhouetteSequence], ...] = ()


def film(identity: Identity, condition: Condition, walk_seed: int, take: Take) -> CapturedWalk:
    """Films a take as capture would hand it on."""
    sequence = walk_silhouettes(
        identity,
        walk_seed=walk_seed,
        condition=condition,
        shot=take.shot,
        faults=take.faults,
        halts=take.halts,
    )
    sequence = _with_room(sequence)
    for hide in take.hidden:
        sequence = hide(sequence)
    sequence = as_captured(sequence)
    return CapturedWalk(
        sequence, walker=1, first_frame=0, direction=None, cut_share=_cut_share(sequence)
    )


def _small(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, shot=replace(take.shot, walker_pixels=56.0 * 0.2**strength))


def _short(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, shot=replace(take.shot, frames=round(45.0 - 25.0 * strength)))


def _slow_frames(take: Take, strength: float, rng: np.random.Generator) -> Take:
    rate = 20.0 - 12.0 * strength
    frames = max(2, round(take.shot.frames * rate / take.shot.frames_per_second))
    return replace(take, shot=replace(take.shot, frames=frames, frames_per_second=rate))


def _halt(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, halts=True)


def _border(take: Take, strength: float, rng: np.random.Generator) -> Take:
    side = int(rng.integers(4))
    return replace(take, hidden=(*take.hidden, lambda walk: beyond_border(walk, side, strength)))


def _hedge(take: Take, strength: float, rng: np.random.Generator) -> Take:
    share = 0.05 + 0.4 * strength
    return replace(take, hidden=(*take.hidden, lambda walk: behind_hedge(walk, share)))


def _headless(take: Take, strength: float, rng: np.random.Generator) -> Take:
    def hide(walk: SilhouetteSequence) -> SilhouetteSequence:
        top, height = _usual_box(walk)
        return _without_rows(walk, 0, round(top + (0.05 + 0.35 * strength) * height))

    return replace(take, hidden=(*take.hidden, hide))


def _railing(take: Take, strength: float, rng: np.random.Generator) -> Take:
    middle, thickness = float(rng.uniform(0.2, 0.8)), 0.02 + 0.1 * strength

    def hide(walk: SilhouetteSequence) -> SilhouetteSequence:
        top, height = _usual_box(walk)
        first = round(top + (middle - thickness / 2.0) * height)
        return _without_rows(walk, first, first + max(1, round(thickness * height)))

    return replace(take, hidden=(*take.hidden, hide))


def _drops(take: Take, strength: float, rng: np.random.Generator) -> Take:
    def hide(walk: SilhouetteSequence) -> SilhouetteSequence:
        lost_t = rng.random(len(walk.silhouettes)) < 0.1 + 0.5 * strength
        kept = [None if lost else one for one, lost in zip(walk.silhouettes, lost_t, strict=True)]
        return replace(walk, silhouettes=tuple(kept))

    return replace(take, hidden=(*take.hidden, hide))


def _swollen(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, hidden=(*take.hidden, lambda walk: _grown(walk, 0.01 + 0.05 * strength)))


def _patches(take: Take, strength: float, rng: np.random.Generator) -> Take:
    faults = replace(_NO_KIND, camouflage=1.0, strength=0.7 + 2.3 * strength)
    return replace(take, faults=faults)


def _shadow(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, faults=replace(_NO_KIND, shadow=1.0, strength=0.3 + 0.7 * strength))


def _ragged(take: Take, strength: float, rng: np.random.Generator) -> Take:
    faults = replace(_NO_KIND, ragged=1.0, frayed=1.0, coarse=1.0, strength=0.7 + 3.0 * strength)
    return replace(take, faults=faults)


def _all_faults(take: Take, strength: float, rng: np.random.Generator) -> Take:
    return replace(take, faults=FaultSettings(share=1.0, strength=0.5 + 2.0 * strength))


Spoil = Callable[[Take, float, np.random.Generator], Take]
"""What a fault of a strength from 0 to 1 makes of a take."""

SPOILS: Mapping[str, Spoil] = {
    "small": _small,
    "short": _short,
    "low frame rate": _slow_frames,
    "halt": _halt,
    "cut by the border": _border,
    "behind a hedge": _hedge,
    "head hidden": _headless,
    "behind a railing": _railing,
    "frames lost": _drops,
    "swollen": _swollen,
    "patches missing": _patches,
    "shadow merged": _shadow,
    "ragged": _ragged,
    "all segmenter's faults": _all_faults,
}


def behind_hedge(walk: SilhouetteSequence, share: float) -> SilhouetteSequence:
    """Hides what is below a fixed row of the picture: that share of the walker's usual height."""
    top, height = _usual_box(walk)
    return _without_rows(walk, round(top + (1.0 - share) * height), walk.frame_height)


def beyond_border(walk: SilhouetteSequence, side: int, strength: float) -> SilhouetteSequence:
    """Moves a border of the picture inwards until it cuts up to half of the frames.

    Args:
        walk: in a picture that holds all of it.
        side: top, bottom, left, right: 0 to 3.
        strength: 0 to 1.
    """
    seen = [one for one in walk.silhouettes if one is not None]
    edges_4n = np.array(
        [(one.top, one.top + one.height, one.left, one.left + one.width) for one in seen]
    ).T
    cut = 0.5 * strength
    new_4 = np.array([0, walk.frame_height, 0, walk.frame_width])
    new_4[side] = round(float(np.quantile(edges_4n[side], 1.0 - cut if side % 2 else cut)))
    top, bottom, left, right = (int(edge) for edge in new_4)
    cropped: list[Silhouette | None] = []
    for one in walk.silhouettes:
        if one is None:
            cropped.append(None)
            continue
        rows = slice(max(0, top - one.top), max(0, bottom - one.top))
        columns = slice(max(0, left - one.left), max(0, right - one.left))
        part = cut_to_box(one.mask_hw[rows, columns])
        cropped.append(
            part
            and replace(
                part,
                top=part.top + one.top + rows.start - top,
                left=part.left + one.left + columns.start - left,
            )
        )
    return replace(
        walk,
        silhouettes=tuple(cropped),
        frame_height=bottom - top,
        frame_width=right - left,
    )


def _with_room(walk: SilhouetteSequence) -> SilhouetteSequence:
    """The same in a larger picture, in which nothing touches the border."""
    room = 2
    moved = [
        one and replace(one, top=one.top + room, left=one.left + room) for one in walk.silhouettes
    ]
    return replace(
        walk,
        silhouettes=tuple(moved),
        frame_height=walk.frame_height + 2 * room,
        frame_width=walk.frame_width + 2 * room,
    )


def _cut_share(walk: SilhouetteSequence) -> float:
    """Share of the silhouettes that touch the picture's border."""
    touches = [
        one.top <= 0
        or one.left <= 0
        or one.top + one.height >= walk.frame_height
        or one.left + one.width >= walk.frame_width
        for one in walk.silhouettes
        if one is not None
    ]
    return sum(touches) / len(touches) if touches else 0.0


def _usual_box(walk: SilhouetteSequence) -> tuple[float, float]:
    """Median top row and height, in pixels."""
    seen = [one for one in walk.silhouettes if one is not None]
    return float(np.median([one.top for one in seen])), float(
        np.median([one.height for one in seen])
    )


def _without_rows(walk: SilhouetteSequence, first: int, end: int) -> SilhouetteSequence:
    """Hides the rows of the picture from `first` to before `end`."""
    kept: list[Silhouette | None] = []
    for one in walk.silhouettes:
        if one is None:
            kept.append(None)
            continue
        mask_hw = one.mask_hw.copy()
        mask_hw[max(0, first - one.top) : max(0, end - one.top)] = 0
        kept.append(_moved(cut_to_box(mask_hw), one))
    return replace(walk, silhouettes=tuple(kept))


def _grown(walk: SilhouetteSequence, share: float) -> SilhouetteSequence:
    """Thickens every silhouette by a share of the usual height on all sides."""
    pixels = max(1, round(share * _usual_box(walk)[1]))
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    grown: list[Silhouette | None] = []
    for one in walk.silhouettes:
        if one is None:
            grown.append(None)
            continue
        mask_hw = cv2.dilate(np.pad(one.mask_hw, pixels), kernel).astype(np.uint8)
        grown.append(Silhouette(mask_hw, one.top, one.left))
    return replace(
        walk,
        silhouettes=tuple(grown),
        frame_height=walk.frame_height + 2 * pixels,
        frame_width=walk.frame_width + 2 * pixels,
    )


def _moved(part: Silhouette | None, whole: Silhouette) -> Silhouette | None:
    """A part that was cut out of a silhouette, at its place in the frame."""
    if part is None:
        return None
    return replace(part, top=part.top + whole.top, left=part.left + whole.left)
