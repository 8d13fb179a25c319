"""A folder of anybody's walks: `<subject>/<walk>`, a walk being a video, an archive or a folder."""

from __future__ import annotations

import re
from pathlib import Path

from model.datasets.labelled import WalkFiles
from model.datasets.recorded_set import Caching, build_walk_set
from model.datasets.walk_set import WalkSet

_DIGITS = re.compile(r"(\d+)")


class EmptyTree(Exception):
    """The folder holds no `<subject>/<walk>`, such as `anna/monday.mp4` or `anna/monday/*.png`."""


def tree_walks(folder: Path) -> list[WalkFiles]:
    """Lists the walks of a folder, sorted by subject and walk; hidden files are left out.

    A walk is a file (a video or an archive of frames) or a folder of pictures, ordered by their
    names with numbers read as numbers. Whether the content is what it should be, capture decides.

    Raises:
        EmptyTree: there is no walk.
    """
    walks = []
    for subject in _visible(folder):
        for number, walk in enumerate(_visible(subject), start=1):
            paths = tuple(path for path in _visible(walk) if path.is_file())
            if walk.is_file():
                paths = (walk,)
            if paths:
                walks.append(WalkFiles(f"{subject.name}/{walk.name}", paths, subject.name, number))
    if not walks:
        raise EmptyTree(f"{folder} holds no <subject>/<walk> (a video, an archive or a folder).")
    return walks


def build_tree(
    folder: Path, caching: Caching, *, frames_per_second: float | None = None
) -> WalkSet:
    """Reads a folder of walks, once; views are unknown (nan).

    Raises:
        EmptyTree: there is no walk.
    """
    return build_walk_set("tree", tree_walks(folder), caching, frames_per_second=frames_per_second)


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if not path.name.startswith(".")),
        key=lambda path: [
            (1, int(part), "") if part.isdecimal() else (0, 0, part)
            for part in _DIGITS.split(path.name)
        ],
    )
