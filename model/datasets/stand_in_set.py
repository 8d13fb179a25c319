"""The stand-in for CASIA-B as a walk set, without its 740,000 pictures on disk.

The walks are those that reading a written stand-in gives.
"""

from __future__ import annotations

from functools import partial

from model.datasets.casia_b import pack_slot
from model.datasets.casia_b_files import walker_in
from model.datasets.casia_b_slots import FRAMES_PER_SECOND, KNOWN_GAPS, SUBJECTS, slots_of
from model.datasets.casia_b_stand_in import FRAME_HEIGHT, FRAME_WIDTH, StandIn
from model.datasets.labelled import Refusal
from model.datasets.recorded_set import Caching, build_recorded_set
from model.datasets.shard import PackedWalk, ShardContent
from model.datasets.shard_building import ShardTask
from model.datasets.walk_set import WalkSet
from model.gei import GeiConfig
from model.silhouettes import SilhouetteSequence


def build_stand_in(stand_in: StandIn, caching: Caching) -> WalkSet:
    """Generates the walks, or goes on where it was killed; `subject_n` and `view_n` as in CASIA-B.

    Args:
        stand_in: which.
        caching: where the walks are kept, and how their silhouettes are aligned.
    """
    tasks = {
        f"subject-{subject}": ShardTask(partial(_walks_of, subject, stand_in, caching.gei), 1)
        for subject in SUBJECTS[: stand_in.subjects]
    }
    settings = {"stand-in": stand_in.fingerprint()}
    return build_recorded_set("stand-in", tasks, (), caching, settings=settings, unit="people")


def _walks_of(subject: str, stand_in: StandIn, gei: GeiConfig) -> ShardContent:
    walks: list[PackedWalk] = []
    refused: list[Refusal] = []
    for slot in slots_of(subject):
        if stand_in.gaps and slot in KNOWN_GAPS:
            continue
        sequence = SilhouetteSequence(
            tuple(walker_in(mask_hw) for mask_hw in stand_in.masks_thw(slot)),
            FRAME_HEIGHT,
            FRAME_WIDTH,
            FRAMES_PER_SECOND,
        )
        one = pack_slot(slot, sequence, gei)
        if isinstance(one, PackedWalk):
            walks.append(one)
        else:
            refused.append(one)
    return ShardContent(walks, refused)
