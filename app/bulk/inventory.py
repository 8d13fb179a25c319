"""What a folder of people holds: `DIR/<subject>/<walk>.mp4 | .zip | .tar | .tar.gz | frames/`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.client.media import folder_frames, natural_order

# A first filter by name, so that notes and lists are not sent; the service decides by content.
_WALK_SUFFIXES = frozenset(
    {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".zip", ".tar", ".tgz"}
)
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WalkFile:
    """One walk on disk: a file or a folder of frames under its subject's folder."""

    subject: str
    walk: str
    path: Path

    def stamp(self) -> str:
        """The number, bytes and latest change of the files that are there."""
        states = [path.stat() for path in self._files() if path.exists()]
        content_bytes = sum(state.st_size for state in states)
        changed_ns = max((state.st_mtime_ns for state in states), default=0)
        return f"{len(states)}/{content_bytes}/{changed_ns}"

    def digest(self) -> str:
        """SHA-256 of the content, as hex."""
        digest = hashlib.sha256()
        for path in self._files():
            with path.open("rb") as stream:
                digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
                while piece := stream.read(_READ_BYTES):
                    digest.update(piece)
        return digest.hexdigest()

    def _files(self) -> list[Path]:
        return folder_frames(self.path) if self.path.is_dir() else [self.path]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a folder holds.

    Attributes:
        walks: to be enrolled, by subject, then walk.
        ignored: paths that are neither a subject's folder nor a walk.
    """

    walks: tuple[WalkFile, ...]
    ignored: tuple[Path, ...]


def take_inventory(folder: Path) -> Inventory:
    """Lists the walks of a folder. Links are followed; hidden files are passed over."""
    walks: list[WalkFile] = []
    ignored: list[Path] = []
    for subject_folder in _visible(folder):
        if not subject_folder.is_dir():
            ignored.append(subject_folder)
            continue
        for path in _visible(subject_folder):
            if _is_walk(path):
                walks.append(WalkFile(subject_folder.name, path.name, path))
            else:
                ignored.append(path)
    return Inventory(tuple(walks), tuple(ignored))


def _visible(folder: Path) -> list[Path]:
    paths = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(paths, key=lambda path: natural_order(path.name))


def _is_walk(path: Path) -> bool:
    if path.is_dir():
        return bool(folder_frames(path))
    name = path.name.lower()
    return path.suffix.lower() in _WALK_SUFFIXES or name.endswith(".tar.gz")
