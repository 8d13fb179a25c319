"""`walkprint subjects`: who is enrolled."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.client import Client, Subject
from app.commands.options import DEFAULT_URL, AsJson, GalleryName, Url
from app.commands.output import answers, notes, print_fields, print_json, print_table

SubjectId = Annotated[str, typer.Argument(help="The person's id.")]

subjects = typer.Typer(no_args_is_help=True)


@subjects.command("list")
def list_subjects(
    gallery: GalleryName = None,
    search: Annotated[
        str | None, typer.Option(help="Only ids, names or metadata with this in them.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the people who are enrolled.

    \b
    Examples:
      walkprint subjects list --gallery office
      walkprint subjects list --search ada --json
    """
    with Client(url) as client:
        found = list(islice(client.subjects(gallery=gallery, search=search), limit))
    if as_json:
        print_json([subject.json for subject in found])
        return
    rows = [(who.subject, who.gallery, who.name, who.walks, who.created_at[:19]) for who in found]
    print_table(None, ("subject", "gallery", "name", "walks", "enrolled at"), rows)


@subjects.command()
def show(
    subject: SubjectId, gallery: GalleryName = None, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Show one person and their walks.

    \b
    Example:
      walkprint subjects show ada --gallery office
    """
    with Client(url) as client:
        found = client.subject(subject, gallery=gallery)
        walks = client.walks(subject, gallery=found.gallery)
    if as_json:
        print_json({**found.json, "walk_list": [walk.json for walk in walks]})
        return
    _print_subject(found)
    rows = [
        (walk.id, walk.quality.get("frames_used"), walk.quality.get("cycles")) for walk in walks
    ]
    print_table(None, ("walk", "frames used", "cycles"), rows)


@subjects.command()
def rename(
    subject: SubjectId,
    name: Annotated[str, typer.Argument(help="The new name, for people to read.")],
    gallery: GalleryName = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Give a person another name; the id stays.

    \b
    Example:
      walkprint subjects rename ada "Ada Lovelace"
    """
    with Client(url) as client:
        changed = client.patch_subject(subject, {"name": name}, gallery=gallery)
    if as_json:
        print_json(changed.json)
    else:
        _print_subject(changed)


@subjects.command()
def move(
    subject: SubjectId,
    to: Annotated[str, typer.Option(help="The gallery to move to; it must exist.")],
    gallery: GalleryName = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Move a person, with all walks, to another gallery.

    \b
    Example:
      walkprint subjects move ada --gallery office --to workshop
    """
    with Client(url) as client:
        moved = client.move_subject(subject, to, gallery=gallery)
    if as_json:
        print_json(moved.json)
    else:
        _print_subject(moved)


@subjects.command()
def merge(
    subject: Annotated[str, typer.Argument(help="The id that goes.")],
    into: Annotated[str, typer.Option(help="The id that stays, with its name and metadata.")],
    gallery: GalleryName = None,
    into_gallery: Annotated[
        str | None, typer.Option(help="The gallery of the one that stays, if it is another one.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Join two ids that are one person: all walks go to the one that stays.

    \b
    Example:
      walkprint subjects merge visitor-17 --into ada --gallery office
    """
    with Client(url) as client:
        made = client.merge_subject(subject, into, gallery=gallery, into_gallery=into_gallery)
    if as_json:
        print_json(made.json)
        return
    notes.print(
        f"[green]Merged[/] {escape(made.absorbed)} with {len(made.walks)} walks into"
        f" {escape(made.subject)}."
    )
    notes.print(f"Until {made.undo_until[:19]}: walkprint subjects unmerge {made.id}")


@subjects.command()
def merges(
    subject: SubjectId, gallery: GalleryName = None, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """List the merges into a person that can still be undone.

    \b
    Example:
      walkprint subjects merges ada
    """
    with Client(url) as client:
        found = client.merges(subject, gallery=gallery)
    if as_json:
        print_json([each.json for each in found])
        return
    rows = [(each.id, each.absorbed, len(each.walks), each.undo_until[:19]) for each in found]
    print_table(None, ("merge", "absorbed", "walks", "undo until"), rows)


@subjects.command()
def unmerge(
    merge_id: Annotated[str, typer.Argument(metavar="MERGE", help="The id of the merge.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Undo a merge: the person that was absorbed comes back, with the walks they brought.

    \b
    Example:
      walkprint subjects unmerge MERGE
    """
    with Client(url) as client:
        restored = client.undo_merge(merge_id)
    if as_json:
        print_json(restored.json)
    else:
        _print_subject(restored)


@subjects.command()
def delete(
    subject: SubjectId,
    gallery: GalleryName = None,
    receipt: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Where to write the signed receipt; the only copy."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Erase a person with all walks, images and templates. There is no way back.

    \b
    Example:
      walkprint subjects delete ada --gallery office --receipt ada-erased.json --yes
    """
    if not yes:
        typer.confirm(f"Erase {subject} and everything recorded of them?", abort=True, err=True)
    with Client(url) as client:
        erased = client.delete_subject(subject, gallery=gallery)
    if receipt is not None:
        receipt.write_text(json.dumps(erased.receipt, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(erased.json)
    else:
        notes.print(f"[green]Erased[/] with {erased.walks} walks.")


def _print_subject(subject: Subject) -> None:
    answers.print(f"[bold]{escape(subject.subject)}[/] in gallery {subject.gallery}")
    print_fields(
        {
            "name": subject.name,
            "walks": subject.walks,
            "enrolled at": subject.created_at[:19],
            "metadata": json.dumps(subject.metadata, ensure_ascii=False)
            if subject.metadata
            else None,
        }
    )
