"""CASIA data set A (Wang, Tan, Ning and Hu 2003): 20 people, 3 views, 4 walks, 240 sequences.

The silhouettes lie as `<subject>/<view>_<walk>/*.png`: view 00 is the profile, 45 oblique, 90 along
the optical axis. Walks 1 and 3 go one way, walks 2 and 4 the other; which way comes first differs
between people, so the direction is told from the silhouettes. 25 frames per second.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.datasets.labelled import LabelledGeis, WalkFiles
from model.datasets.recorded_set import Caching, build_walk_set
from model.datasets.walk_set import WalkSet

FRAMES_PER_SECOND = 25.0  # as the data set's page states
_WALK_FOLDER = re.compile(r"(?P<view>00|45|90)_(?P<walk>[1-9])")


class NotCasiaA(Exception):
    """The folder does not hold `<subject>/<view>_<walk>/*.png`, for example `fyc/00_1/….png`."""


def casia_a_walks(folder: Path) -> list[WalkFiles]:
    """Lists the walks of a copy of CASIA-A, sorted by subject, view and walk.

    Raises:
        NotCasiaA: no folder in it is named as the data set's are.
    """
    walks = []
    for walk_folder in sorted(folder.glob("*/*")) if folder.is_dir() else []:
        match = _WALK_FOLDER.fullmatch(walk_folder.name)
        frames = tuple(sorted(walk_folder.glob("*.png")))
        if match and frames:
            walks.append(
                WalkFiles(
                    name=f"{walk_folder.parent.name}/{walk_folder.name}",
                    paths=frames,
                    subject=walk_folder.parent.name,
                    walk=int(match["walk"]),
                    view_degrees=float(match["view"]),
                )
            )
    if not walks:
        raise NotCasiaA(f"{folder} holds no <subject>/<view>_<walk>/*.png with views 00, 45 or 90.")
    return walks


def build_casia_a(folder: Path, caching: Caching) -> WalkSet:
    """Reads a copy of CASIA-A, once; `view_n` holds 0, 45 or 90.

    Raises:
        NotCasiaA: the folder is not a copy of the data set.
    """
    return build_walk_set(
        "casia-a", casia_a_walks(folder), caching, frames_per_second=FRAMES_PER_SECOND
    )


def goes_right_or_closer(walks: LabelledGeis) -> NDArray[np.bool_]:
    """(N,) each walk's direction: to the right in views 0 and 45, to the camera in view 90."""
    heading: NDArray[np.bool_] = (
        np.where(walks.view_n == 90.0, walks.drift_n2[:, 1], walks.drift_n2[:, 0]) > 0.0
    )
    return heading
