"""`walkprint data`: a data set is decoded once, and what it holds is said."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.commands.options import DEFAULT_CACHE, AsJson, FramesPerSecond, RecordingsCache
from app.commands.output import answers, notes, print_fields, print_json, print_problem

if TYPE_CHECKING:
    from model.datasets.walk_set import WalkSet

_LISTED = 20  # names of slots and walks that are printed; --json prints all


def data(
    dataset: Annotated[
        Literal["casia-b", "casia-a", "tree"],
        typer.Argument(help="What the folder holds; tree is <subject>/<walk>."),
    ],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    cache: RecordingsCache = DEFAULT_CACHE,
    processes: Annotated[int, typer.Option(min=1, help="That decode.")] = 2,
    fps: FramesPerSecond = None,
    as_json: AsJson = False,
) -> None:
    """Decode a data set into the cache that training and evaluation read, and report on it.

    Killed and started again, it goes on where it was; damaged parts of the cache are made anew.

    \b
    Examples:
      walkprint data casia-b casia-b/
      walkprint data tree people/ --cache cache/ --json
    """
    from model.datasets.recorded_set import Caching
    from model.datasets.recordings import UNUSABLE, read_recordings
    from model.gei import GeiConfig

    caching = Caching(cache, GeiConfig(), processes, None if as_json else notes)
    try:
        walks = read_recordings(dataset, folder, caching, frames_per_second=fps)
    except UNUSABLE as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    report = _report(walks, dataset)
    if as_json:
        print_json(report)
        return
    print_fields({name.replace("_", " "): _readable(value) for name, value in report.items()})
    for refusal in report["refused"][:_LISTED]:
        answers.print(f"[dim]{refusal['walk']}: {refusal['detail']}[/]")


def _report(walks: WalkSet, dataset: str) -> dict[str, Any]:
    from model.datasets.casia_b_report import report_on
    from model.datasets.labelled import refused_by_reason

    report: dict[str, Any] = {
        "data_set": dataset,
        "cache": str(walks.folder),
        "fingerprint": walks.fingerprint,
        "people": walks.subjects,
        "walks": len(walks),
        "frames": int(walks.frames_n.sum()),
        "blank_frames_dropped": int(walks.blank_frames_n.sum()),
    }
    if dataset == "casia-b":
        slots = report_on(walks)
        report |= {
            "slots": slots.slots,
            "slots_filled": slots.filled,
            "known_gaps": slots.known_gaps,
            "filled_gaps": slots.filled_gaps,
            "missing_slots": slots.missing,
            "absent_people": slots.absent_subjects,
            "walks_without_cycle": slots.without_cycle,
        }
    return report | {
        "refused_by_reason": refused_by_reason(walks.refused),
        "refused": [asdict(refusal) for refusal in walks.refused],
    }


def _readable(value: object) -> object:
    """Lists as their length and first names."""
    if isinstance(value, dict):
        return ", ".join(f"{count} {reason}" for reason, count in value.items()) or "none"
    if not isinstance(value, (tuple, list)):
        return value
    names = [one["walk"] if isinstance(one, dict) else str(one) for one in value]
    shown = ", ".join(names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
    return f"{len(names)}: {shown}" if names else "none"
