"""Why nobody's walk in a recording can be used."""

from __future__ import annotations

from collections.abc import Sequence

from model.capture.paths import Path
from model.capture.stretch import LEAST_SECONDS, Scene, Stretch, touches_side
from model.refusals import (
    CameraMoves,
    NoWalkerFound,
    WalkerCutOff,
    WalkerStandsStill,
    WalkRefused,
)

CUT_SHARE = 0.5
"""Of a walk's frames; head or feet outside in more than this and it is of no use."""
_STAYS_SHARE, _LIMBS_BREADTH = 0.6, 0.5
"""Of the recording, and height over width, of the arms and legs of somebody on one spot."""
_BREADTH = 1.3
"""Height over width of a whole person."""
_MOST_TELLING = (CameraMoves, WalkerCutOff, WalkerStandsStill, NoWalkerFound)


def reason(paths: Sequence[Path], walks: Sequence[Stretch], scene: Scene) -> WalkRefused:
    """The refusal that tells the person at the camera most.

    Args:
        paths: everything that moves.
        walks: stretches of them in which something moves on.
        scene: what they lie in.
    """
    large = [
        path
        for path in paths
        if path.height >= scene.least_height
        and len(path.frames_n) >= LEAST_SECONDS * scene.frames_per_second
    ]
    for walk in walks:
        if walk.height >= scene.least_height and walk.cut_share > CUT_SHARE:
            return WalkerCutOff("Somebody walks, but head or feet lie outside the picture.")
    for path in large:
        if touches_side(path, scene).mean() > CUT_SHARE and len(path.frames_n) > 5:
            return WalkerCutOff("Somebody is seen only at the side of the picture.")
    for path in large:
        stays = len(path.frames_n) >= _STAYS_SHARE * len(scene.shifts_t2)
        if path.height / path.width >= (_LIMBS_BREADTH if stays else _BREADTH):
            return WalkerStandsStill("Somebody moves in the picture, but stays in one place.")
    return NoWalkerFound(
        "Nothing in the recording moves like a walking person: the scene is empty, or whoever is"
        " in it stands still."
    )


def most_telling(refusals: Sequence[WalkRefused]) -> WalkRefused:
    """Of the refusals of several parts of a recording, the one to give for the whole of it."""
    return min(refusals, key=lambda refusal: _MOST_TELLING.index(type(refusal)))
