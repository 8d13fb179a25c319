"""Generated walkers as a walk set: built by several processes, resumed after an interruption."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from rich.console import Console

from model.datasets.labelled import Refusal
from model.datasets.shard import PackedWalk, ShardContent
from model.datasets.shard_building import SetCard, ShardTask, build_shards
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import (
    CASIA_B_WALKS,
    CONDITIONS,
    Take,
    WalkerSetConfig,
    takes_of,
)

TAKES_PER_SHARD = 200  # about eight seconds of work: what an interruption costs each process


def build_walker_set(
    config: WalkerSetConfig,
    folder: Path,
    processes: int = 2,
    *,
    takes_per_shard: int = TAKES_PER_SHARD,
    console: Console | None = None,
) -> WalkSet:
    """Generates a walker set, or finishes one that was interrupted, and opens it.

    A walker's subject is its seed, its view the azimuth of the camera, 0 … 360. In CASIA-B's shape
    walks are numbered as there; else within person and condition, in the order they were filmed.

    Args:
        config: which walks.
        folder: where; sound shards of the same settings are kept.
        processes: worker processes; 1 works in this process.
        takes_per_shard: walks that an interruption may cost each process.
        console: where the progress bar is drawn; None draws none.

    Raises:
        WalkSetMismatch: the folder holds a set of other settings or of another generator.
    """
    people = max(1, takes_per_shard // config.takes_per_identity)
    last = config.first_identity + config.identities
    tasks = {}
    for number, first in enumerate(range(config.first_identity, last, people)):
        seeds = range(first, min(first + people, last))
        tasks[f"shard-{number:05d}"] = ShardTask(partial(_walks_of, config, seeds), len(seeds))
    card = SetCard(
        fingerprint=config.fingerprint(),
        settings=config.to_json(),
        height=config.gei.height,
        width=config.gei.width,
        shards=tuple(tasks),
    )
    build_shards(
        folder, card, tasks, processes=processes, title="walkers", unit="people", console=console
    )
    return WalkSet.open(folder)


def _walks_of(config: WalkerSetConfig, seeds: range) -> ShardContent:
    walks: list[PackedWalk] = []
    refused: list[Refusal] = []
    for seed in seeds:
        walked: Counter[int] = Counter()
        number_of: dict[int, int] = {}  # by index of the walk; its views share it
        for number, take in enumerate(takes_of(seed, config)):
            if take is None:
                name = f"{seed}/take-{number:03d}"
                refused.append(
                    Refusal(name, "refused-walker", "A generated walk was unusable.", str(seed))
                )
                continue
            if take.walk_index not in number_of:
                walked[take.condition] += 1
                number_of[take.walk_index] = walked[take.condition]
            in_order = number_of[take.walk_index]
            walk = _number_in_casia_b(take) if config.views == "casia-b" else in_order
            walks.append(_packed(take, walk))
    return ShardContent(walks, refused)


def _number_in_casia_b(take: Take) -> int:
    return take.walk_index - CASIA_B_WALKS.index(CONDITIONS[take.condition]) + 1


def _packed(take: Take, walk: int) -> PackedWalk:
    return PackedWalk(
        frames_packed_tb=take.frames_packed_tb,
        gei_hw=take.gei_hw,
        subject=str(take.identity),
        condition=CONDITIONS[take.condition],
        walk=walk,
        view_degrees=take.azimuth_degrees,
        period_frames=take.period_frames,
    )
