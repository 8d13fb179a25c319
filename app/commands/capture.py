"""`walkprint capture`: what the service sees in a recording, as a page and a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.client.media import MediaNotFound, folder_frames
from app.commands.options import AsJson, FramesPerSecond, WalkerOrAll
from app.commands.output import answers, notes, print_json, print_problem


def capture(
    clip: Annotated[
        list[Path],
        typer.Argument(help="A video, a .zip/.tar of frames, or a folder of PNG/JPEG frames."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Where the reports are written.")
    ] = Path("capture"),
    walker: WalkerOrAll = "only",
    fps: FramesPerSecond = None,
    as_json: AsJson = False,
) -> None:
    """Show what the service sees in a recording: masks, gait energy images, quality, advice.

    \b
    Examples:
      walkprint capture entrance.mp4 --out seen
      walkprint capture monday.mp4 tuesday.mp4 --out seen --walker all

    Writes index.html, masks.webm and the pictures of each walk; for several recordings, into a
    folder for each. Nothing is sent anywhere; people are found as WALKPRINT_SEGMENTER says. Ends
    with 1 when a recording cannot be used; the page says why and what to do.
    """
    from app.settings import Settings
    from app.worker.segmenter import segmenter_of
    from model.capture import CaptureLimits
    from model.capture.person_network import SegmenterNotUsable
    from model.capture_report import look, write_report
    from model.gei import GeiConfig

    try:
        segmenter = segmenter_of(Settings())
    except SegmenterNotUsable as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    reports = []
    for number, path in enumerate(clip, start=1):
        paths = _files(path)
        folder = out if len(clip) == 1 else out / f"{number:02d}-{path.name}"
        with notes.status(f"Looking at {escape(str(path))}…"):
            sighting = look(
                paths,
                walker,
                CaptureLimits(),
                GeiConfig(),
                frames_per_second=fps,
                segmenter=segmenter,
            )
            files = write_report(
                sighting, paths, folder, CaptureLimits(), title=path.name, frames_per_second=fps
            )
        reports.append({"recording": str(path), "page": str(files.page), **sighting.to_json()})
        if not as_json:
            _print_sighting(path, files.page, reports[-1])
    if as_json:
        print_json(reports)
    if not all(report["usable"] for report in reports):
        raise typer.Exit(1)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise MediaNotFound(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [path]
    frames = folder_frames(path)
    if not frames:
        raise MediaNotFound(f"The folder {path} holds no PNG or JPEG frames.")
    return frames


def _print_sighting(path: Path, page: Path, report: dict[str, object]) -> None:
    if report["usable"]:
        answers.print(f"[green]Usable[/]: {escape(str(path))}")
    else:
        answers.print(
            f"[yellow]Not usable[/]: {escape(str(path))}: {escape(str(report['detail']))}"
        )
        notes.print(f"[dim]{escape(str(report['advice']))}[/]")
    answers.print(f"See {escape(str(page))}", soft_wrap=True)
