"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from app.client import DEFAULT_URL

Url = Annotated[str, typer.Option("--url", envvar="WALKPRINT_URL", help="Where the service is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]
GalleryName = Annotated[
    str | None,
    typer.Option("--gallery", "-g", help="The gallery. [default: the service's, 'default']"),
]
FramesPerSecond = Annotated[
    float | None,
    typer.Option("--fps", min=1.0, max=1000.0, help="Frames per second of bundles of frames."),
]

__all__ = ["DEFAULT_URL", "AsJson", "FramesPerSecond", "GalleryName", "Url"]
