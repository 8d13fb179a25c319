"""`walkprint backup` and `walkprint restore`: the database in the data folder as one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.commands.output import notes, print_problem
from app.settings import Settings

DataFolder = Annotated[
    Path | None, typer.Option("--data", show_default="data", help="The service's data folder.")
]


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write it.")],
    data: DataFolder = None,
) -> None:
    """Write everything the service knows to one file, while it runs.

    The file holds biometric data of people, and people erased later are still in it: keep it safe,
    and not for ever. On PostgreSQL use pg_dump.

    \b
    Example:
      walkprint backup /mnt/backups/walkprint-monday.db
    """
    from app.registry.acting import acting_as, command_line
    from app.registry.backup import CannotBackUp, back_up
    from app.registry.signing import open_signer

    settings = _settings(data)
    database = _sqlite_file(settings, "back it up with pg_dump")
    try:
        with acting_as(command_line()):
            size_bytes = back_up(database, file, signer=open_signer(settings.signing_key_file))
    except CannotBackUp as refused:
        _refuse(str(refused))
    notes.print(f"[green]Backed up[/] to {file} ({size_bytes / 1e6:.1f} MB).")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A backup.")],
    data: DataFolder = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep the present database beside it, under a dated name."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put a backup in the place of the present database. The service must not be running.

    People who were erased after the backup come back, people enrolled after it are gone; both are
    counted before anything is changed.

    \b
    Example:
      walkprint restore /mnt/backups/walkprint-monday.db --keep
    """
    from app.registry.acting import acting_as, command_line
    from app.registry.backup import CannotRestore, kept_name, plan_restore
    from app.registry.backup import restore as put_back
    from app.registry.signing import open_signer
    from app.worker.instance import FolderInUse, alone_in

    settings = _settings(data)
    database = _sqlite_file(settings, "restore it with pg_restore (docs/registry-exchange.md)")
    keep_as = kept_name(database, datetime.now(UTC)) if keep and database.exists() else None
    try:
        with alone_in(settings.data / "instances"):
            plan = plan_restore(file, database)
            notes.print(f"The backup holds {plan.subjects} people with {plan.walks} walks.")
            if plan.come_back is None:
                notes.print(
                    "[yellow]The present database cannot be read, so that it cannot be told"
                    " who was erased or enrolled since.[/]"
                )
            else:
                notes.print(
                    f"[yellow]{plan.come_back} people who are not in the present database come"
                    f" back[/], erased ones among them; {plan.are_lost} who are in it are not in"
                    " the backup."
                )
            if not yes:
                typer.confirm("Replace the present database?", abort=True, err=True)
            with acting_as(command_line()):
                signer = open_signer(settings.signing_key_file)
                put_back(file, database, keep_as=keep_as, signer=signer)
    except FolderInUse:
        _refuse(f"A service is running on {settings.data}: stop it first.")
    except CannotRestore as refused:
        _refuse(str(refused))
    notes.print("[green]Restored.[/] Erase again whom you had erased since.")
    if keep_as is not None:
        notes.print(f"The database that was there is kept as {keep_as}.")


def _settings(data: Path | None) -> Settings:
    return Settings() if data is None else Settings(data=data)


def _sqlite_file(settings: Settings, instead: str) -> Path:
    from sqlalchemy import make_url

    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() != "sqlite" or url.database is None:
        _refuse(f"The database is PostgreSQL's: {instead}.")
    return Path(url.database)


def _refuse(detail: str) -> NoReturn:
    print_problem({"detail": detail}, as_json=False)
    raise typer.Exit(1)
