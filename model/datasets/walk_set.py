"""The walks of any data set, as aligned silhouettes and GEIs that are read from disk.

Shape letters: N walks, T frames, B bytes of a packed frame, H rows, W columns, P pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.datasets.labelled import LabelledGeis, Refusal
from model.datasets.shard import read_shard, verify_shard
from model.datasets.shard_building import WalkSetIncomplete, read_card

LONGEST_WINDOW = 255  # frames: a window's sum is held in one byte per pixel


@dataclass(frozen=True)
class WalkSet:
    """Walks on disk; the frames are memory-mapped.

    Attributes:
        folder: where the set lies.
        fingerprint: names the walks; a subset has its own.
        height: rows of an aligned silhouette.
        width: its columns.
        subject_n: str (N,), who walks.
        condition_n: str (N,), "nm", "bg" or "cl".
        walk_n: int64 (N,), number of the walk within its subject, condition and view, from 1; the
            views of one walk share it.
        view_n: float64 (N,), degrees, nan where nobody said. CASIA-B's 0 … 180, of generated
            walkers 0 … 360: 0 sees the walker come, 90 in profile.
        drift_n2: float64 (N, 2), how far the walker moved to the right and how much taller it grew
            in the picture, in walker heights; nan where unknown.
        period_frames_n: float32 (N,), a gait cycle in frames, nan where none was found.
        blank_frames_n: int64 (N,), frames left out because they show no walker, or too little.
        frames_n: int64 (N,), usable frames of each walk.
        geis_nhw: uint8 (N, H, W), whole-cycle GEIs; the mean of all frames where no cycle was found
            and the data set keeps such walks.
        refused: walks that are missing here, and why.
    """

    folder: Path
    fingerprint: str
    height: int
    width: int
    subject_n: NDArray[np.str_]
    condition_n: NDArray[np.str_]
    walk_n: NDArray[np.int64]
    view_n: NDArray[np.float64]
    drift_n2: NDArray[np.float64]
    period_frames_n: NDArray[np.float32]
    blank_frames_n: NDArray[np.int64]
    frames_n: NDArray[np.int64]
    geis_nhw: NDArray[np.uint8]
    refused: tuple[Refusal, ...]
    _shard_frames: tuple[NDArray[np.uint8], ...]
    _shard_n: NDArray[np.int64]
    _start_n: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.subject_n)

    @cached_property
    def label_n(self) -> NDArray[np.int64]:
        """(N,) class of each walk: the people counted from 0, in order of their names."""
        labels: NDArray[np.int64] = np.unique(self.subject_n, return_inverse=True)[1]
        return labels.astype(np.int64)

    @property
    def subjects(self) -> int:
        """Number of different people."""
        return len(np.unique(self.subject_n))

    @cached_property
    def order_n(self) -> NDArray[np.int64]:
        """(N,) which of its person's walks each one is, from 0, in the order they are held in."""
        order_n = np.empty(len(self), dtype=np.int64)
        by_person = np.argsort(self.label_n, kind="stable")
        firsts = np.flatnonzero(np.diff(self.label_n[by_person], prepend=-1))
        counts = np.diff(np.append(firsts, len(self)))
        order_n[by_person] = np.arange(len(self)) - np.repeat(firsts, counts)
        return order_n

    @classmethod
    def open(cls, folder: Path) -> WalkSet:
        """Opens a complete set. Everything but the frames is checked; `verify` checks those too.

        Raises:
            WalkSetIncomplete: no set lies there, or shards are missing.
            WalkSetMismatch: the set was written by another version.
            WalkSetDamaged: a shard is not what was written.
        """
        card = read_card(folder)
        paths = [folder / name for name in card.shards]
        missing = [path.name for path in paths if not path.is_dir()]
        if missing:
            raise WalkSetIncomplete(
                f"{len(missing)} of {len(paths)} shards of {folder} are missing; build it again."
            )
        shards = [read_shard(path) for path in paths]
        counts = [len(shard.arrays["walk"]) for shard in shards]

        def joined(name: str) -> NDArray[np.generic]:
            return np.concatenate([shard.arrays[name] for shard in shards])

        return cls(
            folder=folder,
            fingerprint=card.fingerprint,
            height=card.height,
            width=card.width,
            subject_n=joined("subject").astype(np.str_),
            condition_n=joined("condition").astype(np.str_),
            walk_n=joined("walk").astype(np.int64),
            view_n=joined("view").astype(np.float64),
            drift_n2=joined("drift").astype(np.float64),
            period_frames_n=joined("period_frames").astype(np.float32),
            blank_frames_n=joined("blank_frames").astype(np.int64),
            frames_n=np.concatenate([np.diff(shard.arrays["offsets"]) for shard in shards]),
            geis_nhw=joined("geis").astype(np.uint8, copy=False),
            refused=tuple(refusal for shard in shards for refusal in shard.refused),
            _shard_frames=tuple(shard.frames_packed_tb for shard in shards),
            _shard_n=np.repeat(np.arange(len(shards)), counts),
            _start_n=np.concatenate([shard.arrays["offsets"][:-1] for shard in shards]),
        )

    def verify(self) -> None:
        """Reads every byte of the set's files and compares the checksums.

        Raises:
            WalkSetDamaged: a file is missing or is not what was written.
        """
        for name in read_card(self.folder).shards:
            verify_shard(self.folder / name)

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> WalkSet:
        """Some of the walks, as a set of its own: people are counted anew from 0.

        Refused walks stay listed where their person is still there.

        Args:
            chosen: bool (N,), or indices in the wanted order.
        """
        if chosen.dtype == np.bool_ and len(chosen) != len(self):
            raise ValueError(f"a mask of {len(chosen)} does not choose among {len(self)} walks")
        indices = np.arange(len(self))[chosen]
        subject_n = self.subject_n[indices]
        people = set(subject_n.tolist())
        text = self.fingerprint.encode() + indices.astype("<i8").tobytes()
        return replace(
            self,
            fingerprint=hashlib.sha256(text).hexdigest()[:12],
            subject_n=subject_n,
            condition_n=self.condition_n[indices],
            walk_n=self.walk_n[indices],
            view_n=self.view_n[indices],
            drift_n2=self.drift_n2[indices],
            period_frames_n=self.period_frames_n[indices],
            blank_frames_n=self.blank_frames_n[indices],
            frames_n=self.frames_n[indices],
            geis_nhw=self.geis_nhw[indices],
            refused=tuple(refusal for refusal in self.refused if refusal.subject in people),
            _shard_n=self._shard_n[indices],
            _start_n=self._start_n[indices],
        )

    def labelled(self) -> LabelledGeis:
        """The GEIs with their labels: what the protocols are fed with."""
        return LabelledGeis(
            geis_nhw=self.geis_nhw,
            subject_n=self.subject_n,
            condition_n=self.condition_n,
            walk_n=self.walk_n,
            view_n=self.view_n,
            drift_n2=self.drift_n2,
            refused=self.refused,
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
