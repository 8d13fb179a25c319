"""Fills a folder with shards: in parallel processes, resumed after an interruption."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from model.datasets.parallel import Task, run_all
from model.datasets.shard import ShardContent, WalkSetDamaged, verify_shard, write_shard

CARD_FILE = "set.json"
FORMAT = 2  # of card and shards; raised when older folders cannot be read any more


class WalkSetMismatch(Exception):
    """The folder holds walks of other settings, or made by another version of the code."""


class WalkSetIncomplete(Exception):
    """The folder holds no walk set, or one that was not built to its end."""


@dataclass(frozen=True, slots=True)
class SetCard:
    """What a walk set is, in its folder's `set.json`.

    Attributes:
        fingerprint: names the walks.
        settings: what they were made by, as plain JSON values; compared only to say what differs.
        height: rows of an aligned silhouette.
        width: its columns.
        shards: names of the shards, in order.
        format: of the files.
    """

    fingerprint: str
    settings: dict[str, object]
    height: int
    width: int
    shards: tuple[str, ...]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class ShardTask:
    """How one shard is filled.

    Attributes:
        make: gives its content; crosses to another process, so it must be picklable.
        units: people or walks in it, for the progress bar.
    """

    make: Callable[[], ShardContent]
    units: int


def read_card(folder: Path) -> SetCard:
    """Reads what a folder holds.

    Raises:
        WalkSetIncomplete: no set lies there.
        WalkSetMismatch: one of another format.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        raise WalkSetIncomplete(f"No walk set lies in {folder}.")
    plain = json.loads(path.read_text(encoding="utf-8"))
    if plain.get("format") != FORMAT:
        raise WalkSetMismatch(
            f"{folder} was written by another version of Walkprint; delete it or choose another"
            " folder."
        )
    return SetCard(**(plain | {"shards": tuple(plain["shards"])}))


def build_shards(
    folder: Path,
    card: SetCard,
    tasks: Mapping[str, ShardTask],
    *,
    processes: int,
    title: str,
    unit: str,
    console: Console | None = None,
) -> None:
    """Makes the shards that are missing or damaged; sound ones are kept.

    Args:
        folder: where; made if need be.
        card: what the set is.
        tasks: by name of the shard, in the card's order.
        processes: worker processes; 1 works in this process.
        title: of the progress bar.
        unit: what the bar counts.
        console: where the bar is drawn; None draws none.

    Raises:
        WalkSetMismatch: the folder holds another set.
    """
    _claim(folder, card)
    todo, done = [], 0
    for name, task in tasks.items():
        if _is_sound(folder / name):
            done += task.units
        else:
            todo.append(Task(partial(_build_shard, card, folder / name, task), task.units))
    run_all(todo, processes=processes, title=title, unit=unit, done=done, console=console)


def _claim(folder: Path, card: SetCard) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / CARD_FILE).is_file():
        draft = folder / f"{CARD_FILE}.{os.getpid()}"
        draft.write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
        draft.replace(folder / CARD_FILE)
        return
    held = read_card(folder)
    if held.fingerprint != card.fingerprint or held.shards != card.shards:
        same_settings = held.settings == card.settings and held.shards == card.shards
        reason = "an older or newer generator" if same_settings else "other settings"
        raise WalkSetMismatch(
            f"{folder} holds walks of {reason}; delete it or choose another folder."
        )


def _is_sound(shard: Path) -> bool:
    """Whether a shard lies there unharmed; a harmed one is taken away."""
    if not shard.is_dir():
        return False
    try:
        verify_shard(shard)
    except WalkSetDamaged:
        shutil.rmtree(shard)
        return False
    return True


def _build_shard(card: SetCard, shard: Path, task: ShardTask) -> None:
    write_shard(shard, task.make(), height=card.height, width=card.width)
