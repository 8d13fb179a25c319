"""`walkprint keys`: who may call. Works on the database itself, so that there is a first key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.output import answers, notes, print_json, print_problem, print_table
from app.settings import Settings

if TYPE_CHECKING:
    from app.registry import Registry
    from app.registry.keys import Key

DataFolder = Annotated[
    Path | None, typer.Option("--data", show_default="data", help="The service's data folder.")
]

keys = typer.Typer(no_args_is_help=True)


@keys.command()
def create(
    label: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="identify, enroll, subjects:read, subjects:write or admin; repeatable."),
    ] = None,
    gallery: Annotated[
        list[str] | None, typer.Option(help="The only gallery it sees; repeatable.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0.0, help="After so many days it is refused.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Calls a minute, instead of the service's own.")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Make a key and print it: the only time that it can be seen.

    From the first one on, the service lets nobody in without a key.

    \b
    Examples:
      walkprint keys create "Anna, operator" --scope admin
      walkprint keys create "front door" --scope identify --gallery office --days 365
    """
    from app.registry.keys import NewKey

    with _registry(data) as registry:
        made, text = registry.keys.create(
            NewKey(
                label=label,
                scopes=scope or (),  # type: ignore[arg-type]  # checked there
                galleries=gallery or None,
                requests_per_minute=per_minute,
                expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
            )
        )
    answers.print(text, markup=False, soft_wrap=True)
    allowed = ", ".join(made.scopes) or "figures only"
    notes.print(f"[green]Made[/] key {made.id} ({allowed}). Keep it: it is shown this once.")


@keys.command("list")
def list_keys(
    data: DataFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the keys, revoked ones too, without their secrets.

    \b
    Example:
      walkprint keys list
    """
    from dataclasses import asdict

    with _registry(data) as registry:
        found = registry.keys.list()
    if as_json:
        print_json([asdict(key) for key in found])
        return
    columns = ("key", "label", "scopes", "galleries", "", "last used")
    print_table(None, columns, [_row(key) for key in found])


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or the whole key.")], data: DataFolder = None
) -> None:
    """End a key at once, with the sessions that began with it.

    \b
    Example:
      walkprint keys revoke KEY
    """
    key_id = key.split("_")[1] if key.startswith("wp_") else key
    with _registry(data) as registry:
        registry.keys.revoke(key_id)
    notes.print(f"[green]Revoked[/] {key_id}.")


def _row(key: Key) -> tuple[str, str, str, str, str, str]:
    now = datetime.now(UTC)
    over = key.expires_at is not None and key.expires_at <= now
    state = "revoked" if key.revoked_at else "over" if over else ""
    return (
        key.id,
        key.label,
        " ".join(key.scopes),
        "all" if key.galleries is None else " ".join(key.galleries),
        state,
        "never" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:%M}",
    )


@contextmanager
def _registry(data: Path | None) -> Iterator[Registry]:
    from app.errors import Problem
    from app.registry import Registry
    from app.registry.acting import acting_as, command_line
    from app.registry.signing import open_signer

    settings = Settings() if data is None else Settings(data=data)
    try:
        registry = Registry.open(
            settings.resolved_database_url, signer=open_signer(settings.signing_key_file)
        )
        try:
            registry.migrate()
            with acting_as(command_line()):
                yield registry
        finally:
            registry.close()
    except Problem as problem:
        print_problem(problem.to_json(), as_json=False)
        raise typer.Exit(1) from problem
