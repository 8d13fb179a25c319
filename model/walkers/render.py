"""From an identity and a shot to silhouettes.

Shape letters: T frames, N balls, P corner points, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from model.silhouettes import Silhouette, SilhouetteSequence, cut_to_box
from model.walkers.attire import Condition, attire_of
from model.walkers.faults import FaultSettings, WalkFaults, draw_faults
from model.walkers.figure import Figure, Garment
from model.walkers.flesh import figure_of
from model.walkers.gait import draw_gait
from model.walkers.identity import Identity
from model.walkers.shot import Projection, Shot, project
from model.walkers.skeleton import skeleton_of

_CIRCLE_POINTS = 12
_SUBPIXEL_BITS = 4
_CONDITION_SEEDS: dict[Condition, int] = {"nm": 0, "bg": 1, "cl": 2}
_FAULT_MARGIN = 0.12  # of the walker's height: room for speckles and shadows


def walk_silhouettes(
    identity: Identity,
    *,
    walk_seed: int,
    condition: Condition = "nm",
    shot: Shot | None = None,
    faults: FaultSettings | None = None,
    halts: bool = False,
) -> SilhouetteSequence:
    """Films one walk of one identity and segments it.

    Args:
        identity: who walks.
        walk_seed: which walk, 0 or greater: pace, phase, posture of the day, bag or coat, faults.
        condition: "nm" everyday outfit, "bg" with a bag, "cl" with a coat.
        shot: how it is filmed; None for the defaults of `Shot`.
        faults: None for clean masks.
        halts: whether the person stands still at the start, at the end or in between.

    Raises:
        ValueError: for an unknown condition or a negative seed.
    """
    shot = Shot() if shot is None else shot
    silhouettes: list[Silhouette | None] = []
    scene, cuts = _film(identity, walk_seed, condition, shot, faults, halts)
    for mask_hw, top, left in cuts:
        cut = cut_to_box(mask_hw)
        silhouettes.append(
            cut and Silhouette(mask_hw=cut.mask_hw, top=cut.top + top, left=cut.left + left)
        )
    return SilhouetteSequence(
        silhouettes=tuple(silhouettes),
        frame_height=scene.frame_height,
        frame_width=scene.frame_width,
        frames_per_second=shot.frames_per_second,
    )


def walk_masks_thw(
    identity: Identity,
    *,
    walk_seed: int,
    condition: Condition = "nm",
    shot: Shot | None = None,
    faults: FaultSettings | None = None,
    halts: bool = False,
) -> NDArray[np.uint8]:
    """The same walk as `walk_silhouettes`, as whole frames: (T, H, W) uint8, 0 or 255."""
    shot = Shot() if shot is None else shot
    scene, cuts = _film(identity, walk_seed, condition, shot, faults, halts)
    masks_thw = np.zeros((shot.frames, scene.frame_height, scene.frame_width), np.uint8)
    for frame_hw, (mask_hw, top, left) in zip(masks_thw, cuts, strict=True):
        rows, columns = mask_hw.shape
        frame_hw[top : top + rows, left : left + columns] = mask_hw * np.uint8(255)
    return masks_thw


def _film(
    identity: Identity,
    walk_seed: int,
    condition: Condition,
    shot: Shot,
    faults: FaultSettings | None,
    halts: bool,
) -> tuple[Projection, Iterator[tuple[NDArray[np.uint8], int, int]]]:
    """The scene, and for each frame a mask with its top row and left column in the frame."""
    if condition not in _CONDITION_SEEDS:
        raise ValueError(f"unknown condition: {condition!r}")
    # Separate streams: faults change neither the gait nor the clothes.
    seeds = [identity.seed, walk_seed, _CONDITION_SEEDS[condition]]
    attire_rng, gait_rng, fault_rng = (np.random.default_rng([*seeds, use]) for use in range(3))
    attire = attire_of(identity, condition, attire_rng)
    gait = draw_gait(
        identity,
        gait_rng,
        frames=shot.frames,
        frames_per_second=shot.frames_per_second,
        load=attire.load,
        halts=halts,
    )
    figure = figure_of(identity, attire, skeleton_of(gait))
    spoiled = draw_faults(
        faults or FaultSettings.none(),
        fault_rng,
        identity_seed=identity.seed,
        frames=shot.frames,
        walker_pixels=shot.walker_pixels,
    )
    light = spoiled.light_per_metre if spoiled else (0.0, 0.0)
    scene = project(shot, figure, identity.body.stature_metres, light)
    return scene, _frames(scene, figure, spoiled, shot.walker_pixels)


def _frames(
    scene: Projection, figure: Figure, faults: WalkFaults | None, walker_pixels: float
) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    margin = int(_FAULT_MARGIN * walker_pixels) if faults else 1
    corners_tp2, parts = part_corners(scene.points_tn2, scene.radii_tn, figure, figure.parts)
    low_t2 = np.floor(corners_tp2.min(axis=1)).astype(int) - margin
    high_t2 = np.ceil(corners_tp2.max(axis=1)).astype(int) + margin + 1
    limit_2 = [scene.frame_width, scene.frame_height]
    low_t2, high_t2 = np.clip(low_t2, 0, limit_2), np.clip(high_t2, 0, limit_2)
    drawn_tp2 = fixed_point(corners_tp2, low_t2)
    shadow_parts: list[NDArray[np.int64]] = []
    shadows_tp2 = drawn_tp2  # not used while no part casts a shadow
    if faults is not None and bool(np.any(faults.shadow_t > 0.0)):
        low_parts = tuple(figure.parts[index] for index in figure.shadow_parts)
        ground_tp2, shadow_parts = part_corners(scene.ground_tn2, scene.radii_tn, figure, low_parts)
        shadows_tp2 = fixed_point(ground_tp2, low_t2)
    for frame, (drawn_p2, (left, top), (right, bottom)) in enumerate(
        zip(drawn_tp2, low_t2, high_t2, strict=True)
    ):
        garments_hw = np.zeros((bottom - top, right - left), np.uint8)
        if garments_hw.size == 0:
            yield np.zeros((0, 0), np.uint8), 0, 0
            continue
        if faults is not None and faults.shadow_t[frame] > 0.0:
            for part in shadow_parts:
                draw_part(garments_hw, shadows_tp2[frame, part], Garment.SHADOW)
        for part, garment in zip(parts, figure.garments, strict=True):
            draw_part(garments_hw, drawn_p2[part], garment)
        if faults is not None:
            mask_hw = faults.spoil(garments_hw, frame, top=int(top), left=int(left))
        else:
            mask_hw = (garments_hw > 0).astype(np.uint8)
        yield mask_hw, int(top), int(left)


def draw_part(
    garments_hw: NDArray[np.uint8], corners_p2: NDArray[np.int32], garment: Garment
) -> None:
    """Fills the hull of a part's corners, given in `fixed_point` form, with its garment."""
    outline = cv2.convexHull(corners_p2)
    cv2.fillConvexPoly(garments_hw, outline, (int(garment),), shift=_SUBPIXEL_BITS)


def fixed_point(
    corners_tp2: NDArray[np.float64], origin_t2: NDArray[np.int64] | NDArray[np.float64]
) -> NDArray[np.int32]:
    """Pixels → the sixteenths of a pixel that `draw_part` takes, seen from an origin per frame."""
    scaled_tp2 = (corners_tp2 - origin_t2[:, None, :]) * (1 << _SUBPIXEL_BITS)
    return np.round(scaled_tp2).astype(np.int32)


def part_corners(
    points_tn2: NDArray[np.float64],
    radii_tn: NDArray[np.float64],
    figure: Figure,
    parts: tuple[tuple[int, ...], ...],
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Corner points of all balls, (T, P, 2), and for each part the indices of its own."""
    angles = 2.0 * np.pi * np.arange(_CIRCLE_POINTS) / _CIRCLE_POINTS
    circle_c2 = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    round_n = np.flatnonzero(figure.radii_n > 0.0)
    flat_n = np.flatnonzero(figure.radii_n == 0.0)
    circles_tnc2 = points_tn2[:, round_n, None] + radii_tn[:, round_n, None, None] * circle_c2
    frames = len(points_tn2)
    corners_tp2 = np.concatenate(
        [points_tn2[:, flat_n], circles_tnc2.reshape(frames, -1, 2)], axis=1
    )
    own: dict[int, list[int]] = {int(ball): [place] for place, ball in enumerate(flat_n)}
    for place, ball in enumerate(round_n):
        start = len(flat_n) + place * _CIRCLE_POINTS
        own[int(ball)] = list(range(start, start + _CIRCLE_POINTS))
    return corners_tp2, [
        np.array([corner for ball in part for corner in own[ball]]) for part in parts
    ]
