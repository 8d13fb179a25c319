"""A cache of generated walks on disk: built by several processes, resumed after an interruption.

A set is a folder of shards; a shard is a folder that appears in one step when it is complete:
`frames_packed.npy` (one row of bits per aligned silhouette) and `walks.npz` (one row per walk).

Shape letters: T frames, B bytes of a packed frame, H rows, W columns, P pixels, N walks.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from model.datasets.walker_recipe import Take, WalkerSetConfig, takes_of

TAKES_PER_SHARD = 200  # about eight seconds of work: what an interruption costs each process
LONGEST_WINDOW = 255  # frames: a window's sum is held in one byte per pixel

WalkArrays: TypeAlias = dict[str, NDArray[Any]]


class WalkerSetMismatch(Exception):
    """The folder holds walks of other settings or of another version of the generator."""


class WalkerSetIncomplete(Exception):
    """The folder holds no walker set, or one that was not built to its end."""


@dataclass(frozen=True)
class WalkerSet:
    """Generated walks, read from disk; the frames are memory-mapped.

    Attributes:
        folder: where the set lies.
        fingerprint: of the settings and the generator.
        height: rows of an aligned silhouette.
        width: its columns.
        identity_n: int64 (N,), seeds of the people.
        azimuth_degrees_n: float32 (N,), 0 sees the walker come, 90 in profile.
        condition_n: uint8 (N,), index in `CONDITIONS`: 0 nm, 1 bg, 2 cl.
        walk_index_n: int32 (N,), which walk of its person; the views of one walk share it.
        period_frames_n: float32 (N,), a gait cycle in frames, nan where none was found.
        frames_n: int64 (N,), usable frames of each walk.
        geis_nhw: uint8 (N, H, W), whole-cycle GEIs.
        refused: walks that were generated but refused by the GEI code.
    """

    folder: Path
    fingerprint: str
    height: int
    width: int
    identity_n: NDArray[np.int64]
    azimuth_degrees_n: NDArray[np.float32]
    condition_n: NDArray[np.uint8]
    walk_index_n: NDArray[np.int32]
    period_frames_n: NDArray[np.float32]
    frames_n: NDArray[np.int64]
    geis_nhw: NDArray[np.uint8]
    refused: int
    _shard_frames: tuple[NDArray[np.uint8], ...]
    _shard_n: NDArray[np.int64]
    _start_n: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.identity_n)

    @cached_property
    def label_n(self) -> NDArray[np.int64]:
        """(N,) class of each walk: the people counted from 0, in order of their seeds."""
        labels: NDArray[np.int64] = np.unique(self.identity_n, return_inverse=True)[1]
        return labels.astype(np.int64)

    @classmethod
    def open(cls, folder: Path) -> WalkerSet:
        """Opens a complete set.

        Raises:
            WalkerSetIncomplete: no set lies there, or shards are missing.
        """
        card_path = folder / "set.json"
        if not card_path.is_file():
            raise WalkerSetIncomplete(f"No walker set lies in {folder}.")
        card = json.loads(card_path.read_text(encoding="utf-8"))
        shards = [folder / name for name in card["shards"]]
        missing = [shard.name for shard in shards if not shard.is_dir()]
        if missing:
            raise WalkerSetIncomplete(
                f"{len(missing)} of {len(shards)} shards of {folder} are missing; build it again."
            )
        gei = card["config"]["gei"]
        per_shard: list[WalkArrays] = []
        for shard in shards:
            with np.load(shard / "walks.npz", allow_pickle=False) as stored:
                per_shard.append({name: stored[name] for name in stored.files})
        counts = [len(arrays["identity"]) for arrays in per_shard]

        joined = {
            name: np.concatenate([arrays[name] for arrays in per_shard])
            for name in per_shard[0]
            if name not in ("offsets", "refused")
        }
        return cls(
            folder=folder,
            fingerprint=card["fingerprint"],
            height=gei["height"],
            width=gei["width"],
            identity_n=joined["identity"],
            azimuth_degrees_n=joined["azimuth_degrees"],
            condition_n=joined["condition"],
            walk_index_n=joined["walk_index"],
            period_frames_n=joined["period_frames"],
            frames_n=np.concatenate([np.diff(arrays["offsets"]) for arrays in per_shard]),
            geis_nhw=joined["geis"],
            refused=sum(int(arrays["refused"]) for arrays in per_shard),
            _shard_frames=tuple(
                np.load(shard / "frames_packed.npy", mmap_mode="r") for shard in shards
            ),
            _shard_n=np.repeat(np.arange(len(shards)), counts),
            _start_n=np.concatenate([arrays["offsets"][:-1] for arrays in per_shard]),
        )

    def silhouettes(self, index: int) -> NDArray[np.uint8]:
        """The aligned silhouettes of one walk: uint8 0/1, (T, H, W)."""
        start, length = int(self._start_n[index]), int(self.frames_n[index])
        return self._unpacked(index, start, length).reshape(-1, self.height, self.width)

    def windows(
        self,
        indices_n: NDArray[np.integer] | Iterable[int],
        rng: np.random.Generator,
        length_range: tuple[int, int] = (25, 48),
    ) -> NDArray[np.uint8]:
        """Fresh GEIs, each from a random stretch of its walk: uint8 (N, H, W).

        Args:
            indices_n: walks of this set.
            rng: draws length and place of every stretch.
            length_range: shortest and longest stretch in frames, at most 255; a walk that is
                shorter than the shortest is taken whole.
        """
        shortest, longest = length_range
        if not 0 < shortest <= longest <= LONGEST_WINDOW:
            raise ValueError(f"length_range {length_range} is not within 1 to {LONGEST_WINDOW}")
        indices = np.fromiter(indices_n, dtype=np.int64)
        available_n = self.frames_n[indices]
        highs_n = np.minimum(available_n, longest)
        lengths_n = rng.integers(np.minimum(shortest, highs_n), highs_n + 1)
        starts_n = self._start_n[indices] + rng.integers(0, available_n - lengths_n + 1)
        geis_np = np.empty((len(indices), self.height * self.width), dtype=np.uint8)
        for row, (index, start, length) in enumerate(
            zip(indices.tolist(), starts_n.tolist(), lengths_n.tolist(), strict=True)
        ):
            sums_p = np.add.reduce(self._unpacked(index, start, length), axis=0, dtype=np.uint8)
            np.take(_gray_levels(length), sums_p, out=geis_np[row])
        return geis_np.reshape(-1, self.height, self.width)

    def _unpacked(self, index: int, start: int, length: int) -> NDArray[np.uint8]:
        packed_tb = self._shard_frames[int(self._shard_n[index])][start : start + length]
        return np.unpackbits(packed_tb, axis=1, count=self.height * self.width)


_LEVELS: dict[int, NDArray[np.uint8]] = {}


def _gray_levels(length: int) -> NDArray[np.uint8]:
    """Gray value of a pixel that is foreground in 0 … `length` of `length` frames."""
    if length not in _LEVELS:
        shares = np.arange(length + 1, dtype=np.float32) / np.float32(length)
        _LEVELS[length] = np.rint(shares * np.float32(255.0)).astype(np.uint8)
    return _LEVELS[length]


def build_walker_set(
    config: WalkerSetConfig,
    folder: Path,
    processes: int = 2,
    *,
    takes_per_shard: int = TAKES_PER_SHARD,
    console: Console | None = None,
) -> WalkerSet:
    """Generates a walker set, or finishes one that was interrupted, and opens it.

    Args:
        config: which walks.
        folder: where; complete shards of the same settings are kept.
        processes: worker processes; 1 works in this process.
        takes_per_shard: walks that an interruption may cost each process.
        console: where the progress bar is drawn; None draws none.

    Raises:
        WalkerSetMismatch: the folder holds a set of other settings or of another generator.
    """
    people = max(1, takes_per_shard // config.takes_per_identity)
    last = config.first_identity + config.identities
    seeds_by_shard = {
        f"shard-{number:05d}": range(first, min(first + people, last))
        for number, first in enumerate(range(config.first_identity, last, people))
    }
    _claim(folder, config, list(seeds_by_shard))
    todo = {name: seeds for name, seeds in seeds_by_shard.items() if not (folder / name).is_dir()}
    with _progress(console) as progress:
        done = config.identities - sum(len(seeds) for seeds in todo.values())
        bar = progress.add_task("walkers", total=config.identities, completed=done)
        if processes == 1 or len(todo) <= 1:
            for name, seeds in todo.items():
                _build_shard(config, folder / name, seeds)
                progress.advance(bar, len(seeds))
        else:
            # Spawned, not forked: a fork of a process with torch or OpenCV threads can hang.
            with ProcessPoolExecutor(
                min(processes, len(todo)),
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_be_quiet,
            ) as pool:
                futures = {
                    pool.submit(_build_shard, config, folder / name, seeds): len(seeds)
                    for name, seeds in todo.items()
                }
                try:
                    for future in as_completed(futures):
                        future.result()
                        progress.advance(bar, futures[future])
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
    return WalkerSet.open(folder)


def _be_quiet() -> None:
    """One thread per worker process: there is one process per core already."""
    cv2.setNumThreads(1)


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("people"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
    )


def _claim(folder: Path, config: WalkerSetConfig, shards: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    card_path = folder / "set.json"
    fingerprint = config.fingerprint()
    if card_path.is_file():
        held = json.loads(card_path.read_text(encoding="utf-8"))
        if held["fingerprint"] != fingerprint or held["shards"] != shards:
            same_settings = held["config"] == config.to_json() and held["shards"] == shards
            reason = "an older or newer generator" if same_settings else "other settings"
            raise WalkerSetMismatch(
                f"{folder} holds walks of {reason}; delete it or choose another folder."
            )
        return
    card = {"fingerprint": fingerprint, "config": config.to_json(), "shards": shards}
    draft = folder / f"set.json.{os.getpid()}"
    draft.write_text(json.dumps(card, indent=1), encoding="utf-8")
    draft.replace(card_path)


def _build_shard(config: WalkerSetConfig, shard: Path, seeds: Iterable[int]) -> None:
    draft = shard.with_name(f"{shard.name}.draft")
    if draft.exists():  # left behind by an interrupted build
        shutil.rmtree(draft)
    draft.mkdir()
    takes = [take for seed in seeds for take in takes_of(seed, config)]
    kept = [take for take in takes if take is not None]
    _write(draft, kept, refused=len(takes) - len(kept), config=config)
    draft.rename(shard)


def _write(folder: Path, takes: list[Take], *, refused: int, config: WalkerSetConfig) -> None:
    pixels = config.gei.height * config.gei.width
    no_frames = np.zeros((0, (pixels + 7) // 8), dtype=np.uint8)
    no_geis = np.zeros((0, config.gei.height, config.gei.width), dtype=np.uint8)
    lengths = [len(take.frames_packed_tb) for take in takes]
    np.save(
        folder / "frames_packed.npy",
        np.concatenate([no_frames, *(take.frames_packed_tb for take in takes)]),
    )
    np.savez(
        folder / "walks.npz",
        offsets=np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
        identity=np.array([take.identity for take in takes], dtype=np.int64),
        azimuth_degrees=np.array([take.azimuth_degrees for take in takes], dtype=np.float32),
        condition=np.array([take.condition for take in takes], dtype=np.uint8),
        walk_index=np.array([take.walk_index for take in takes], dtype=np.int32),
        period_frames=np.array([take.period_frames for take in takes], dtype=np.float32),
        geis=np.concatenate([no_geis, *(take.gei_hw[None] for take in takes)]),
        refused=np.array(refused),
    )
