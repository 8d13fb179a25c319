"""`walkprint galleries`: sets of subjects that are searched together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from app.client import Client
from app.commands.exchange import export_gallery, import_gallery
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_fields, print_json, print_table
from app.commands.protection import protect, renew, unprotect
from app.commands.thresholds import calibrate

GalleryArgument = Annotated[str, typer.Argument(help="The gallery's name.")]

galleries = typer.Typer(no_args_is_help=True)
galleries.command()(calibrate)
galleries.command()(protect)
galleries.command()(renew)
galleries.command()(unprotect)
galleries.command("export")(export_gallery)
galleries.command("import")(import_gallery)


@galleries.command("list")
def list_galleries(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the galleries and how many people are in each.

    \b
    Example:
      walkprint galleries list
    """
    with Client(url) as client:
        found = client.galleries()
    if as_json:
        print_json([gallery.json for gallery in found])
        return
    print_table(None, ("gallery", "subjects"), [(row.name, row.subjects) for row in found])


@galleries.command()
def rename(
    gallery: GalleryArgument,
    name: Annotated[str, typer.Argument(help="The new name.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Give a gallery another name.

    \b
    Example:
      walkprint galleries rename office office-2026
    """
    with Client(url) as client:
        renamed = client.rename_gallery(gallery, name)
    if as_json:
        print_json(renamed.json)
    else:
        notes.print(f"[green]Renamed[/] to {renamed.name}.")


@galleries.command()
def rules(
    gallery: GalleryArgument,
    walks_per_subject: Annotated[
        str | None, typer.Option(help="Keep the best so many walks of each person, or 'all'.")
    ] = None,
    keep_walks: Annotated[
        str | None, typer.Option(help="Erase walks after so many days, or 'forever'.")
    ] = None,
    keep_subjects: Annotated[
        str | None,
        typer.Option(help="Erase people so many days after their newest walk, or 'forever'."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show or change what a gallery keeps, and for how long.

    \b
    Examples:
      walkprint galleries rules office
      walkprint galleries rules office --walks-per-subject 8 --keep-walks 365
      walkprint galleries rules office --walks-per-subject all --keep-walks forever
    """
    changes = {
        "walks_per_subject": _rule("--walks-per-subject", walks_per_subject, lifted="all"),
        "keep_walks_days": _rule("--keep-walks", keep_walks, lifted="forever"),
        "keep_subjects_days": _rule("--keep-subjects", keep_subjects, lifted="forever"),
    }
    named = {rule: change.value for rule, change in changes.items() if change is not None}
    with Client(url) as client:
        found = client.set_gallery_rules(gallery, named) if named else client.gallery(gallery)
    if as_json:
        print_json(found.json)
        return
    print_fields(
        {
            "walks per person": found.walks_per_subject or "all",
            "walks are kept": _days(found.keep_walks_days),
            "people are kept": _days(found.keep_subjects_days),
        }
    )


@galleries.command()
def delete(
    gallery: GalleryArgument,
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


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule as it was typed; None lifts it."""

    value: int | None


def _rule(option: str, text: str | None, *, lifted: str) -> _Rule | None:
    if text is None:
        return None
    if text == lifted:
        return _Rule(None)
    if not text.isdecimal():
        raise typer.BadParameter(f"a whole number, or '{lifted}'", param_hint=option)
    return _Rule(int(text))


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days} days"
