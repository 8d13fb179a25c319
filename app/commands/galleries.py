"""`walkprint galleries`: sets of subjects that are searched together."""

from __future__ import annotations

from typing import Annotated

import typer

from app.client import Client
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_json, print_table

galleries = typer.Typer(no_args_is_help=True)


@galleries.command("list")
def list_galleries(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the galleries and how many people are in each."""
    with Client(url) as client:
        found = client.galleries()
    if as_json:
        print_json([gallery.json for gallery in found])
        return
    print_table(None, ("gallery", "subjects"), [(row.name, row.subjects) for row in found])


@galleries.command()
def rename(
    gallery: Annotated[str, typer.Argument(help="The gallery's name.")],
    name: Annotated[str, typer.Argument(help="The new name.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Give a gallery another name."""
    with Client(url) as client:
        renamed = client.rename_gallery(gallery, name)
    if as_json:
        print_json(renamed.json)
    else:
        notes.print(f"[green]Renamed[/] to {renamed.name}.")


@galleries.command()
def delete(
    gallery: Annotated[str, typer.Argument(help="The gallery's name.")],
    everybody: Annotated[
        bool, typer.Option("--with-everybody", help="Erase the people in it as well.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Remove a gallery that is empty, or everybody in it too.

    \b
    Example:
      walkprint galleries delete rehearsal --with-everybody
    """
    with Client(url) as client:
        erased = client.delete_gallery(gallery, with_everybody=everybody)
    if as_json:
        print_json(erased.json)
    else:
        notes.print(f"[green]Removed[/] with {erased.subjects} people.")
