"""A public stand-in for CASIA-B: generated walkers in its very layout, for its own reader.

124 people who never lived, 10 walks each, seen from 11 cameras that stand where they stand for
everybody, as 320×240 masks. Nobody trains on these people.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.datasets.casia_b_slots import (
    FRAMES_PER_SECOND,
    KNOWN_GAPS,
    SUBJECTS,
    VIEWS_DEGREES,
    WALKS,
    Slot,
)
from model.datasets.parallel import Task, run_all
from model.datasets.shard_building import WalkSetMismatch
from model.datasets.walker_recipe import WalkerSetConfig
from model.walkers import Condition, FaultSettings, Identity, Shot, walk_masks_thw

FIRST_IDENTITY = 8_000_000  # seeds of people: training, validation and calibration lie below
FRAME_HEIGHT, FRAME_WIDTH = 240, 320  # as CASIA-B's
CARD_FILE = "stand-in.json"
_DRAFTS = ".drafts"
_SEED = 20061  # of everything that is not the person
# Unfiltered rows of a mask pack as well and are decoded in half the time (OpenCV 5.0).
_PNG = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)


@dataclass(frozen=True, slots=True)
class StandIn:
    """Which stand-in to write.

    Attributes:
        subjects: people, 1 … 124.
        first_identity: seed of subject 001; the others follow.
        frames: of the shortest walk.
        frames_spread: how many frames longer a walk may be.
        fault_share: share of the walks whose masks carry segmentation faults.
        gaps: whether the 47 slots that are empty in CASIA-B are left empty here.
    """

    subjects: int = len(SUBJECTS)
    first_identity: int = FIRST_IDENTITY
    frames: int = 48
    frames_spread: int = 12
    fault_share: float = 0.5
    gaps: bool = False

    def fingerprint(self) -> str:
        """Names the masks: the settings, and the code that makes them."""
        config = WalkerSetConfig(
            first_identity=self.first_identity,
            identities=self.subjects,
            frames=self.frames,
            frames_spread=self.frames_spread,
            views="casia-b",
            fault_share=self.fault_share,
            seed=_SEED,
        )
        return f"{config.fingerprint()}{'-gaps' if self.gaps else ''}"

    def shot(self, slot: Slot) -> Shot:
        """The recording of a slot; the cameras are the same for everybody."""
        camera = np.random.default_rng((_SEED, slot.view_degrees))
        length = np.random.default_rng((_SEED, *self._walk_seed(slot)))
        return Shot(
            azimuth_degrees=float(slot.view_degrees),
            elevation_degrees=float(camera.uniform(2.0, 9.0)),
            distance_metres=float(camera.uniform(5.0, 7.0)),
            frames=int(self.frames + length.integers(self.frames_spread + 1)),
            frames_per_second=FRAMES_PER_SECOND,
            walker_pixels=float(camera.uniform(90.0, 105.0)),
            frame_height=FRAME_HEIGHT,
            frame_width=FRAME_WIDTH,
        )

    def masks_thw(self, slot: Slot) -> NDArray[np.uint8]:
        """The masks of a slot: uint8 0 or 255, (T, H, W). Its views show one and the same walk."""
        seed, walk_seed = self._walk_seed(slot)
        return walk_masks_thw(
            Identity.from_seed(seed),
            walk_seed=walk_seed,
            condition=cast("Condition", slot.condition),
            shot=self.shot(slot),
            faults=FaultSettings(share=self.fault_share),
        )

    def _walk_seed(self, slot: Slot) -> tuple[int, int]:
        person = self.first_identity + SUBJECTS.index(slot.subject)
        return person, _SEED + WALKS.index((slot.condition, slot.walk))


def write_stand_in(
    stand_in: StandIn,
    folder: Path,
    *,
    processes: int = 2,
    views_degrees: Sequence[int] = VIEWS_DEGREES,
    console: Console | None = None,
) -> int:
    """Writes the masks as `SSS/nm-01/090/SSS-nm-01-090-FFF.png`, or goes on where it was killed.

    Args:
        stand_in: which.
        folder: where; slots of the same stand-in that lie there are kept.
        processes: worker processes; 1 works in this process.
        views_degrees: only these.
        console: where the progress bar is drawn; None draws none.

    Returns:
        How many walks, seen from one view each, the folder holds.

    Raises:
        WalkSetMismatch: another stand-in, or anything else, lies there.
    """
    _claim(stand_in, folder)
    tasks, walks, done = [], 0, 0
    for subject in SUBJECTS[: stand_in.subjects]:
        for condition, walk in WALKS:
            slots = [Slot(subject, condition, walk, view) for view in views_degrees]
            todo = [slot for slot in slots if not (folder / str(slot)).is_dir()]
            walks += sum(not (stand_in.gaps and slot in KNOWN_GAPS) for slot in slots)
            done += len(slots) - len(todo)
            if todo:
                tasks.append(Task(partial(_write_slots, stand_in, folder, todo), len(todo)))
    run_all(tasks, processes=processes, title="stand-in", unit="walks", done=done, console=console)
    shutil.rmtree(folder / _DRAFTS, ignore_errors=True)
    return walks


def _claim(stand_in: StandIn, folder: Path) -> None:
    path = folder / CARD_FILE
    card = {"fingerprint": stand_in.fingerprint(), **asdict(stand_in)}
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != card:
            raise WalkSetMismatch(
                f"{folder} holds another stand-in; delete it or choose another folder."
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise WalkSetMismatch(f"{folder} is not empty and holds no stand-in; choose another.")
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{CARD_FILE}.{os.getpid()}"
    draft.write_text(json.dumps(card, indent=1), encoding="utf-8")
    draft.replace(path)


def _write_slots(stand_in: StandIn, folder: Path, slots: Sequence[Slot]) -> None:
    """Every slot appears in one step, so that a kill leaves none half written."""
    for slot in slots:
        name = str(slot).replace("/", "-")
        draft = folder / _DRAFTS / name
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        if not (stand_in.gaps and slot in KNOWN_GAPS):
            for number, mask_hw in enumerate(stand_in.masks_thw(slot), start=1):
                written = cv2.imwrite(str(draft / f"{name}-{number:03d}.png"), mask_hw, _PNG)
                if not written:
                    raise OSError(f"{draft} cannot be written to")
        target = folder / str(slot)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
