"""`walkprint galleries protect`, `renew` and `unprotect`: templates under a secret rotation."""

from __future__ import annotations

from typing import Annotated

import typer

from app.client import Client
from app.client.answers import Gallery
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_json

GalleryArgument = Annotated[str, typer.Argument(help="The gallery's name.")]


def protect(gallery: GalleryArgument, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Store a gallery's templates under a secret rotation; scores stay what they are.

    \b
    Example:
      walkprint galleries protect office

    Needs a master key (docs/encryption.md). docs/template-protection.md says what it gives.
    """
    with Client(url) as client:
        _tell(client.protect_gallery(gallery), "Protected", as_json=as_json)


def renew(gallery: GalleryArgument, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Give a protected gallery another secret: stolen templates match nothing now.

    \b
    Example:
      walkprint galleries renew office
    """
    with Client(url) as client:
        _tell(client.renew_gallery_protection(gallery), "Renewed", as_json=as_json)


def unprotect(gallery: GalleryArgument, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Store a gallery's templates as the network gives them.

    \b
    Example:
      walkprint galleries unprotect office
    """
    with Client(url) as client:
        _tell(client.unprotect_gallery(gallery), "No longer protected", as_json=as_json)


def _tell(gallery: Gallery, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(gallery.json)
    else:
        notes.print(f"[green]{done}[/]: {gallery.name}, {gallery.subjects} people.")
