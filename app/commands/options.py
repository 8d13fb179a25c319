"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.client import DEFAULT_URL

Url = Annotated[str, typer.Option("--url", envvar="WALKPRINT_URL", help="Where the service is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]
GalleryName = Annotated[
    str | None,
    typer.Option("--gallery", "-g", show_default="the service's, 'default'", help="The gallery."),
]
FramesPerSecond = Annotated[
    float | None,
    typer.Option("--fps", min=1.0, max=1000.0, help="Frames per second of bundles of frames."),
]
WhoseWalk = Annotated[
    Literal["only", "largest"],
    typer.Option(
        "--walker", help="Where several people walk: refuse, or take the walk of the largest one."
    ),
]
WalkerOrAll = Annotated[
    Literal["only", "largest", "all"],
    typer.Option(
        "--walker",
        help="Where several people walk: refuse, take the largest one, or answer for all of them.",
    ),
]
WaitSeconds = Annotated[
    float | None,
    typer.Option(
        "--wait", min=0.0, help="Seconds to wait for the answer; then its job goes on without you."
    ),
]
ExpiresIn = Annotated[
    float | None,
    typer.Option(
        "--expires-in",
        min=0.001,
        max=86400.0,
        help="Seconds after which the answer is of no use: what was not begun is not done.",
    ),
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        exists=True,
        dir_okay=False,
        show_default="the weights that ship with Walkprint",
        help="Which weights.",
    ),
]
RecordingsCache = Annotated[
    Path,
    typer.Option(
        "--cache",
        file_okay=False,
        help="Where decoded recordings are kept for the next command; real people's are personal.",
    ),
]
DEFAULT_CACHE = Path("runs/recordings")  # where `walkprint evaluate` has them too

__all__ = [
    "DEFAULT_CACHE",
    "DEFAULT_URL",
    "AsJson",
    "CheckpointFile",
    "ExpiresIn",
    "FramesPerSecond",
    "GalleryName",
    "RecordingsCache",
    "Url",
    "WaitSeconds",
    "WalkerOrAll",
    "WhoseWalk",
]
