"""CASIA-B as a walk set.

Every walk that can be decoded is kept: where no gait cycle is found, the GEI is the mean of all
frames. The protocols count all walks, so the service's own refusals do not apply here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from model.datasets.casia_b_files import SubjectFiles, read_subject, subjects_in
from model.datasets.casia_b_slots import KNOWN_GAPS, Slot
from model.datasets.labelled import Refusal, drift
from model.datasets.packing import pack_pictures
from model.datasets.recorded_set import Caching, blank_frames, build_recorded_set
from model.datasets.shard import PackedWalk, ShardContent
from model.datasets.shard_building import ShardTask
from model.datasets.walk_set import WalkSet
from model.gei import GeiConfig
from model.refusals import WalkRefused
from model.silhouettes import SilhouetteSequence

FEWEST_FRAMES = 5  # usable; the service asks for more, which would cost the benchmark walks


def build_casia_b(folder: Path, caching: Caching) -> WalkSet:
    """Reads a copy of CASIA-B, once; `view_n` holds 0, 18, … 180, `subject_n` "001" … "124".

    Raises:
        NotCasiaB: the folder holds no copy.
    """
    subjects = subjects_in(folder)
    tasks = {
        f"subject-{files.subject}": ShardTask(partial(_walks_of, files, caching.gei), 1)
        for files in subjects
    }
    sizes = (pair for files in subjects for pair in files.sizes())
    return build_recorded_set(
        "casia-b", tasks, sizes, caching, settings={"fewest frames": FEWEST_FRAMES}, unit="people"
    )


def _walks_of(files: SubjectFiles, gei: GeiConfig) -> ShardContent:
    walks, refused = [], []
    for slot, read in read_subject(files):
        one = read if isinstance(read, Refusal) else pack_slot(slot, read, gei)
        if isinstance(one, PackedWalk):
            walks.append(one)
        elif slot not in KNOWN_GAPS:
            refused.append(one)
    return ShardContent(walks, refused)


def pack_slot(slot: Slot, sequence: SilhouetteSequence, gei: GeiConfig) -> PackedWalk | Refusal:
    """A walk for the cache, or why it has too few usable frames."""
    lenient = replace(gei, fewest_frames=min(gei.fewest_frames, FEWEST_FRAMES))
    try:
        packed = pack_pictures(sequence, lenient)
    except WalkRefused as refusal:
        return Refusal(str(slot), refusal.code, refusal.detail, slot.subject)
    return PackedWalk(
        frames_packed_tb=packed.frames_packed_tb,
        gei_hw=packed.gei_hw,
        subject=slot.subject,
        condition=slot.condition,
        walk=slot.walk,
        view_degrees=float(slot.view_degrees),
        drift=drift(sequence),
        period_frames=packed.period_frames,
        blank_frames=blank_frames(packed.aligned),
    )
