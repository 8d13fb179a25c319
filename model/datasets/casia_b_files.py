"""A copy of CASIA-B on disk: unpacked, as 124 inner archives, or as the zip around these.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.capture import CaptureLimits
from model.capture.archive import members_of_tar, natural_key
from model.capture.mask import as_mask, cut_out_walker
from model.capture.picture import check_size, decode_grey, read_header
from model.datasets.casia_b_slots import FRAMES_PER_SECOND, KNOWN_GAPS, SUBJECTS, Slot, slots_of
from model.datasets.labelled import Refusal
from model.refusals import MediaNotReadable, WalkRefused
from model.silhouettes import Silhouette, SilhouetteSequence

OUTER_NAME = "GaitDatasetB-silh"
ARCHIVE_SUFFIX = ".tar.gz"
_ARCHIVE_LIMITS = CaptureLimits(max_entries=40_000, max_unpacked_bytes=2**30)  # of one person
_BLANK_SHARE = 0.0005
"""Of the picture; a frame with less foreground is blank. 38 pixels at CASIA-B's 320×240."""


class NotCasiaB(Exception):
    """The folder holds no copy of CASIA-B's silhouettes: neither `001.tar.gz` … nor `001/nm-01/…`
    nor `GaitDatasetB-silh.zip`.
    """


@dataclass(frozen=True, slots=True)
class SubjectFiles:
    """Where one person's walks lie.

    Attributes:
        subject: "001" … "124".
        path: a folder, an inner archive, or the outer zip.
        member: name of the inner archive in the outer zip; empty otherwise.
    """

    subject: str
    path: Path
    member: str = ""

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Name and bytes of every file."""
        if self.member:
            with zipfile.ZipFile(self.path) as outer:
                yield self.member, outer.getinfo(self.member).file_size
        elif self.path.is_dir():
            for file in self.path.glob("*/*/*.png"):
                yield f"{self.subject}/{file.relative_to(self.path)}", file.stat().st_size
        else:
            yield self.path.name, self.path.stat().st_size


def subjects_in(folder: Path) -> list[SubjectFiles]:
    """Finds the people of a copy, sorted; where somebody lies there twice, the folder is taken.

    Args:
        folder: that holds `001/`, `001.tar.gz` or `GaitDatasetB-silh.zip`, itself or in its
            subfolder `GaitDatasetB-silh`.

    Raises:
        NotCasiaB: it holds none of them.
    """
    for root in (folder, folder / OUTER_NAME):
        found = []
        for subject in SUBJECTS:
            unpacked, archive = root / subject, root / f"{subject}{ARCHIVE_SUFFIX}"
            if any(unpacked.glob("??-??")):
                found.append(SubjectFiles(subject, unpacked))
            elif archive.is_file():
                found.append(SubjectFiles(subject, archive))
        found = found or list(_in_outer_zip(root / f"{OUTER_NAME}.zip"))
        if found:
            return found
    raise NotCasiaB(
        f"{folder} holds neither 001{ARCHIVE_SUFFIX} … nor 001/nm-01/000/*.png … nor"
        f" {OUTER_NAME}.zip."
    )


def _in_outer_zip(path: Path) -> Iterator[SubjectFiles]:
    if not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as outer:
            names = {name.rpartition("/")[2]: name for name in outer.namelist()}
    except zipfile.BadZipFile as error:
        raise NotCasiaB(f"{path} is damaged: {error}.") from error
    for subject in SUBJECTS:
        if f"{subject}{ARCHIVE_SUFFIX}" in names:
            yield SubjectFiles(subject, path, names[f"{subject}{ARCHIVE_SUFFIX}"])


def read_subject(files: SubjectFiles) -> Iterator[tuple[Slot, SilhouetteSequence | Refusal]]:
    """Reads one person's walks, by slot; a damaged picture costs its walk, a damaged archive the
    walks from the damage on. Slots without any frame are left out.
    """
    frames_by_slot, damage = _frames_of(files)
    for slot in slots_of(files.subject):
        frames = frames_by_slot.get(slot, [])
        try:
            if damage is not None and not frames and slot not in KNOWN_GAPS:
                raise damage
            if frames:
                yield slot, silhouettes_of(frames)
        except WalkRefused as refusal:
            yield slot, Refusal(str(slot), refusal.code, refusal.detail, slot.subject)


def silhouettes_of(frames: Iterable[tuple[str, bytes]]) -> SilhouetteSequence:
    """Decodes the masks of one walk. What the service would refuse, such as a walker who is cut by
    the picture's edge, is kept: the benchmark counts every walk.

    Args:
        frames: (name, file bytes), in any order.

    Raises:
        MediaNotReadable: a picture is damaged, no mask, or of another size than the others.
        MediaTooLarge: a picture is larger than an upload's may be.
    """
    limits = CaptureLimits()
    silhouettes: list[Silhouette | None] = []
    size: tuple[int, ...] | None = None
    for name, data in sorted(frames, key=lambda frame: natural_key(frame[0])):
        label = f"frame '{name}'"
        check_size(read_header(data, label), label, limits)
        mask_hw = as_mask(decode_grey(data, label))
        if mask_hw is None:
            raise MediaNotReadable(f"F{label[1:]} is no silhouette.")
        size = size or mask_hw.shape
        if mask_hw.shape != size:
            raise MediaNotReadable(f"F{label[1:]} is of another size than those before it.")
        silhouettes.append(walker_in(mask_hw))
    if size is None:
        raise MediaNotReadable("The walk holds no frames.")
    return SilhouetteSequence(tuple(silhouettes), size[0], size[1], FRAMES_PER_SECOND)


def walker_in(mask_hw: NDArray[np.uint8]) -> Silhouette | None:
    """The walker of one frame, whatever else the mask shows; None for a blank frame."""
    walker = cut_out_walker(mask_hw)
    if walker is None or walker.area < _BLANK_SHARE * mask_hw.size:
        return None
    return walker


def _frames_of(
    files: SubjectFiles,
) -> tuple[dict[Slot, list[tuple[str, bytes]]], WalkRefused | None]:
    """The frames of each slot, and what ended the reading early."""
    frames: dict[Slot, list[tuple[str, bytes]]] = defaultdict(list)
    slot = None
    try:
        for name, data in _pictures(files):
            slot = Slot.parse("/".join(name.split("/")[-4:-1]))
            if slot is not None and slot.subject == files.subject:
                frames[slot].append((name.rpartition("/")[2], data))
    except WalkRefused as damage:
        if slot is not None:
            frames.pop(slot, None)  # it may not have been read to its end
        return frames, damage
    return frames, None


def _pictures(files: SubjectFiles) -> Iterator[tuple[str, bytes]]:
    if files.path.is_dir():
        for file in sorted(files.path.glob("*/*/*.png")):
            yield f"{files.subject}/{file.relative_to(files.path).as_posix()}", file.read_bytes()
    elif not files.member:
        with files.path.open("rb") as archive:
            yield from members_of_tar(archive, gzipped=True, limits=_ARCHIVE_LIMITS)
    else:
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "inner.tar.gz"
            try:
                with (
                    zipfile.ZipFile(files.path) as outer,
                    outer.open(files.member) as packed,
                    inner.open("wb") as copy,
                ):
                    shutil.copyfileobj(packed, copy)
            except (zipfile.BadZipFile, OSError) as error:
                raise MediaNotReadable(f"'{files.member}' is damaged: {error}.") from error
            with inner.open("rb") as archive:
                yield from members_of_tar(archive, gzipped=True, limits=_ARCHIVE_LIMITS)
