"""Recordings of people as a walk set: captured once, read from the cache from then on.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from model import capture
from model.capture import CaptureLimits, capture_walk
from model.datasets.labelled import Refusal, WalkFiles, drift
from model.datasets.shard import PackedWalk, ShardContent, pack_frames
from model.datasets.shard_building import SetCard, ShardTask, build_shards
from model.datasets.walk_set import WalkSet
from model.gei import AlignedWalk, GeiConfig, align, energy_image
from model.refusals import WalkRefused

WALKS_PER_SHARD = 20  # a few seconds of decoding: what an interruption costs each process
_BLANK = ("out-of-view", "empty", "small")


@dataclass(frozen=True, slots=True)
class Caching:
    """Where and how recordings are turned into a walk set.

    Attributes:
        folder: of all caches; each set has a folder in it that is named for its content.
        gei: how silhouettes are aligned.
        processes: that decode.
        console: where progress is drawn; None draws none.
    """

    folder: Path
    gei: GeiConfig
    processes: int = 2
    console: Console | None = None


def build_recorded_set(
    name: str,
    tasks: Mapping[str, ShardTask],
    files: Iterable[tuple[str, int]],
    caching: Caching,
    *,
    settings: Mapping[str, object],
    unit: str = "walks",
) -> WalkSet:
    """Decodes what is not in the cache yet, and opens the set.

    The set's fingerprint stands for the names and sizes of the files, the settings and the code of
    capture: a file that is altered without changing its size is not noticed.

    Args:
        name: of the data set; the cache's folder begins with it.
        tasks: how each shard is filled, in order.
        files: name within the data set and bytes of every file.
        caching: where and how.
        settings: what else decides the result, as plain JSON values.
        unit: what the progress bar counts.
    """
    plain = {"data set": name, "gei": asdict(caching.gei), **settings}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    digest.update(_capture_code())
    for file, size in sorted(files):
        digest.update(f"{file}\n{size}\n".encode())
    card = SetCard(
        fingerprint=digest.hexdigest()[:12],
        settings=plain,
        height=caching.gei.height,
        width=caching.gei.width,
        shards=tuple(tasks),
    )
    folder = caching.folder / f"{name}-{card.fingerprint}"
    build_shards(
        folder,
        card,
        tasks,
        processes=caching.processes,
        title=name,
        unit=unit,
        console=caching.console,
    )
    return WalkSet.open(folder)


def build_walk_set(
    name: str,
    walks: Sequence[WalkFiles],
    caching: Caching,
    *,
    frames_per_second: float | None = None,
    limits: CaptureLimits | None = None,
    walks_per_shard: int = WALKS_PER_SHARD,
) -> WalkSet:
    """Captures walks as the service would, with its limits; what it would refuse is listed.

    Args:
        name: of the data set; the cache's folder begins with it.
        walks: what to capture.
        caching: where and how.
        frames_per_second: of bundles of pictures, if known.
        limits: of capture.
        walks_per_shard: walks that an interruption may cost each process.
    """
    limits = limits or CaptureLimits()
    tasks = {}
    for number, first in enumerate(range(0, len(walks), walks_per_shard)):
        part = tuple(walks[first : first + walks_per_shard])
        task = partial(_captured, part, caching.gei, frames_per_second, limits)
        tasks[f"shard-{number:05d}"] = ShardTask(task, len(part))
    return build_recorded_set(
        name,
        tasks,
        (
            (f"{walk.name}/{path.name}", path.stat().st_size)
            for walk in walks
            for path in walk.paths
        ),
        caching,
        settings={"frames per second": frames_per_second, "limits": asdict(limits)},
    )


def blank_frames(walk: AlignedWalk) -> int:
    """Frames of a walk that show no walker, or too little of one."""
    return sum(walk.dropped.get(reason, 0) for reason in _BLANK)


def _captured(
    walks: Sequence[WalkFiles],
    gei: GeiConfig,
    frames_per_second: float | None,
    limits: CaptureLimits,
) -> ShardContent:
    kept, refused = [], []
    for walk in walks:
        try:
            sequence = capture_walk(walk.paths, limits, frames_per_second=frames_per_second)
            image = energy_image(sequence, gei)
        except WalkRefused as refusal:
            refused.append(Refusal(walk.name, refusal.code, refusal.detail, walk.subject))
            continue
        aligned = align(sequence, gei)
        kept.append(
            PackedWalk(
                frames_packed_tb=pack_frames(aligned.frames_thw),
                gei_hw=image.gei_hw,
                subject=walk.subject,
                condition="nm",
                walk=walk.walk,
                view_degrees=walk.view_degrees,
                drift=drift(sequence),
                period_frames=image.quality.period_frames,
                blank_frames=blank_frames(aligned),
            )
        )
    return ShardContent(kept, refused)


def _capture_code() -> bytes:
    """Changes when the code between files and GEI changes."""
    folder = Path(capture.__file__).parent
    beside = [folder.parent / name for name in ("gei.py", "gait_period.py", "silhouettes.py")]
    names = ("casia_b.py", "casia_b_files.py", "packing.py")
    readers = [Path(__file__).with_name(name) for name in names]
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.py")), *beside, *readers, Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.digest()
