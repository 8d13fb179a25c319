"""`walkprint galleries export` and `import`: galleries as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.client import Client
from app.client.exchange_calls import ImportedGallery
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_json


def export_gallery(
    gallery: Annotated[str, typer.Argument(help="The gallery's name.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write it.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is such a file.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Write a gallery, with everybody in it and all their walks, to a file.

    The file holds biometric data of people: keep it as you keep the service's own.

    \b
    Example:
      walkprint galleries export office office.jsonl
    """
    if file.exists() and not replace:
        raise typer.BadParameter(f"{file} exists; --replace writes over it.")
    with Client(url) as client:
        exported = client.export_gallery(gallery, file)
    if as_json:
        print_json(
            {
                "gallery": gallery,
                "file": str(file),
                "subjects": exported.subjects,
                "walks": exported.walks,
                "templates": exported.templates,
                "bytes": exported.bytes,
            }
        )
    else:
        notes.print(
            f"[green]Exported[/] {exported.subjects} people with {exported.walks} walks"
            f" ({exported.bytes / 1e6:.1f} MB)."
        )


def import_gallery(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An exported gallery.")],
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", show_default="the name in the file", help="Where to."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Add the people and walks of a gallery file; walks that are here already are skipped.

    People who were erased since the export come back.

    \b
    Examples:
      walkprint galleries import office.jsonl
      walkprint galleries import office.jsonl --gallery branch-office
    """
    with Client(url) as client:
        imported = client.import_gallery(file, gallery=gallery)
    if as_json:
        print_json(imported.json)
    else:
        _print_imported(imported)


def _print_imported(imported: ImportedGallery) -> None:
    known = f", {imported.walks_known} were there" if imported.walks_known else ""
    notes.print(
        f"[green]Imported[/] {imported.subjects_added} people and {imported.walks_added} walks"
        f" into {imported.gallery}{known}."
    )
    if imported.walks_without_template:
        notes.print(
            f"[yellow]{imported.walks_without_template} walks cannot be found yet:[/] they have no"
            " template by the checkpoint that serves. `walkprint checkpoints activate"
            f" {imported.json['checkpoint']}` has them embedded."
        )
