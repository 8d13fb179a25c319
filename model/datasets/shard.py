"""One shard of a walk set: a folder that appears on disk in one step, with its checksums.

`frames_packed.npy` holds one row of bits per aligned silhouette, `walks.npz` one row per walk,
`refused.json` the walks that could not be used, `checksums.json` size and SHA-256 of the others.

Shape letters: T frames, B bytes of a packed frame, H rows, W columns, N walks.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.datasets.labelled import Refusal

FRAMES_FILE = "frames_packed.npy"
WALKS_FILE = "walks.npz"
REFUSED_FILE = "refused.json"
CHECKSUMS_FILE = "checksums.json"

WalkArrays: TypeAlias = dict[str, NDArray[Any]]


class WalkSetDamaged(Exception):
    """A shard is not what was written: a file is missing, cut short or altered. Build it again."""


@dataclass(frozen=True, slots=True)
class PackedWalk:
    """One walk as it goes to disk.

    Attributes:
        frames_packed_tb: uint8 (T, H · W / 8), `np.packbits` of each aligned silhouette.
        gei_hw: uint8 (H, W), over whole cycles, or over all frames where no period was found.
        subject: who walks.
        condition: "nm", "bg" or "cl".
        walk: its number within subject, condition and view, from 1.
        view_degrees: nan where nobody said.
        drift: to the right and closer, in walker heights; nan where unknown.
        period_frames: length of a gait cycle, nan where none was found.
        blank_frames: frames left out because they show no walker, or too little of one.
    """

    frames_packed_tb: NDArray[np.uint8]
    gei_hw: NDArray[np.uint8]
    subject: str
    condition: str
    walk: int
    view_degrees: float = float("nan")
    drift: tuple[float, float] = (float("nan"), float("nan"))
    period_frames: float = float("nan")
    blank_frames: int = 0


@dataclass(frozen=True, slots=True)
class ShardContent:
    """What one shard holds: walks, and what became none."""

    walks: Sequence[PackedWalk]
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as it was read.

    Attributes:
        frames_packed_tb: uint8, memory-mapped: the frames of all its walks.
        arrays: of `walks.npz`, by name; `offsets` says which frames are whose.
        refused: walks that are missing here, and why.
    """

    frames_packed_tb: NDArray[np.uint8]
    arrays: WalkArrays
    refused: tuple[Refusal, ...]


def pack_frames(frames_thw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Aligned 0/1 silhouettes (T, H, W) → (T, H · W / 8) bits."""
    return np.packbits(frames_thw.reshape(len(frames_thw), -1), axis=1)


def write_shard(folder: Path, content: ShardContent, *, height: int, width: int) -> None:
    """Writes a shard beside its place and moves it there when it is whole.

    Args:
        folder: where the shard shall lie; nothing may lie there yet.
        content: what it holds.
        height: rows of an aligned silhouette.
        width: its columns.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    if draft.exists():  # left behind by an interrupted build
        shutil.rmtree(draft)
    draft.mkdir()
    walks = content.walks
    no_frames = np.zeros((0, (height * width + 7) // 8), dtype=np.uint8)
    no_geis = np.zeros((0, height, width), dtype=np.uint8)
    lengths = [len(walk.frames_packed_tb) for walk in walks]
    np.save(
        draft / FRAMES_FILE,
        np.concatenate([no_frames, *(walk.frames_packed_tb for walk in walks)]),
    )
    np.savez(
        draft / WALKS_FILE,
        offsets=np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
        subject=np.array([walk.subject for walk in walks], dtype=np.str_),
        condition=np.array([walk.condition for walk in walks], dtype=np.str_),
        walk=np.array([walk.walk for walk in walks], dtype=np.int64),
        view=np.array([walk.view_degrees for walk in walks], dtype=np.float64),
        drift=np.array([walk.drift for walk in walks], dtype=np.float64).reshape(-1, 2),
        period_frames=np.array([walk.period_frames for walk in walks], dtype=np.float32),
        blank_frames=np.array([walk.blank_frames for walk in walks], dtype=np.int64),
        geis=np.concatenate([no_geis, *(walk.gei_hw[None] for walk in walks)]),
    )
    refused = json.dumps([asdict(refusal) for refusal in content.refused])
    (draft / REFUSED_FILE).write_text(refused, encoding="utf-8")
    checksums = {
        name: {"bytes": (draft / name).stat().st_size, "sha256": _sha256(draft / name)}
        for name in (FRAMES_FILE, WALKS_FILE, REFUSED_FILE)
    }
    (draft / CHECKSUMS_FILE).write_text(json.dumps(checksums, indent=1), encoding="utf-8")
    draft.rename(folder)


def read_shard(folder: Path) -> Shard:
    """Opens a shard; of the frames, which stay on disk, only the size is checked.

    Raises:
        WalkSetDamaged: a file is missing or is not what was written.
    """
    checksums = _checksums(folder)
    contents = {}
    for name in (WALKS_FILE, REFUSED_FILE):
        contents[name] = _bytes_of(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != checksums[name]["sha256"]:
            raise _damaged(folder / name)
    frames = folder / FRAMES_FILE
    if not frames.is_file() or frames.stat().st_size != checksums[FRAMES_FILE]["bytes"]:
        raise _damaged(frames)
    with np.load(io.BytesIO(contents[WALKS_FILE]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    refused = tuple(Refusal(**row) for row in json.loads(contents[REFUSED_FILE]))
    return Shard(np.load(frames, mmap_mode="r"), arrays, refused)


def verify_shard(folder: Path) -> None:
    """Reads every byte of a shard and compares the checksums.

    Raises:
        WalkSetDamaged: a file is missing or is not what was written.
    """
    for name, expected in _checksums(folder).items():
        path = folder / name
        if not path.is_file() or _sha256(path) != expected["sha256"]:
            raise _damaged(path)


def _checksums(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / CHECKSUMS_FILE
    try:
        checksums: dict[str, dict[str, Any]] = json.loads(_bytes_of(path))
    except ValueError as error:
        raise _damaged(path) from error
    if set(checksums) != {FRAMES_FILE, WALKS_FILE, REFUSED_FILE}:
        raise _damaged(path)
    return checksums


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _damaged(path) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path) -> WalkSetDamaged:
    return WalkSetDamaged(
        f"{path} is missing or is not what was written; build the set again, which keeps all sound"
        " shards."
    )
