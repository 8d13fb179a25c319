"""`walkprint encryption`: the keys to what is stored. Works on the database, beside the service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.commands.options import AsJson
from app.commands.output import answers, notes, print_fields, print_json, print_problem
from app.settings import Settings

if TYPE_CHECKING:
    from app.registry import Registry

DataFolder = Annotated[
    Path | None, typer.Option("--data", show_default="data", help="The service's data folder.")
]

encryption = typer.Typer(no_args_is_help=True)


@encryption.command("new-key")
def new_key(
    file: Annotated[
        Path | None,
        typer.Argument(
            dir_okay=False,
            help="Where to put it, before the keys that are there already; else it is printed.",
        ),
    ] = None,
) -> None:
    """Make a master key: 32 random bytes in base64.

    In a file of keys it becomes the first one, which encrypts; the others still decrypt. A service
    that runs with this file takes it up by itself. Keep the file elsewhere than the database and
    its backups: without it, nothing can be read again.

    \b
    Example:
      walkprint encryption new-key /etc/walkprint/master.key
    """
    from app.registry.sealing.master_keys import new_master_key

    key = new_master_key()
    if file is None:
        answers.print(key, markup=False, soft_wrap=True)
        return
    earlier = file.read_text(encoding="ascii") if file.exists() else ""
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(f"{key}\n{earlier}")
        opened.flush()
        os.fsync(opened.fileno())
    # At once: a service may be reading it.
    part.replace(file)
    notes.print(f"[green]Made[/] a master key, the first in {file}. Keep a copy of the file.")


@encryption.command()
def status(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Say what is encrypted, under which master keys, and what is not.

    \b
    Example:
      walkprint encryption status --data /srv/walkprint
    """
    from dataclasses import asdict

    with _registry(data) as registry:
        found = registry.encryption.status()
        in_use = registry.encryption.masters_in_use()
    if as_json:
        print_json(asdict(found) | {"masters_in_use": in_use})
        return
    print_fields(
        {
            "master key": found.current or "none is set",
            "needed": ", ".join(in_use) or "none",
            "data keys": ", ".join(
                f"{count} under {master}" for master, count in found.data_keys.items()
            )
            or "none",
            "walks": f"{found.walks} encrypted, {found.walks_plain} plain",
            "templates": f"{found.templates} encrypted, {found.templates_plain} plain",
        }
    )


@encryption.command()
def apply(data: DataFolder = None) -> None:
    """Encrypt what is stored plain. The service may run, with the same master key.

    \b
    Example:
      walkprint encryption apply --data /srv/walkprint

    Killed and started again, it goes on where it was. At the end a SQLite file is rewritten, so
    that no plain copy is left in it.
    """
    with _registry(data) as registry:
        people = 0
        for some in registry.encryption.apply():
            people += some
        registry.scrub()
    notes.print(f"[green]Encrypted[/] what was plain of {people} subjects.")


@encryption.command()
def rotate(data: DataFolder = None) -> None:
    """Wrap all data keys under the current master key, so that older ones can be forgotten.

    \b
    Example:
      walkprint encryption rotate --data /srv/walkprint

    The service may run, with the old and the new master key. Killed and started again, it goes on
    where it was.
    """
    with _registry(data) as registry:
        count = sum(registry.encryption.rotate())
        registry.scrub()
        needed = ", ".join(registry.encryption.masters_in_use()) or "none"
    notes.print(f"[green]Wrapped[/] {count} data keys anew. Master keys that are needed: {needed}.")


@contextmanager
def _registry(data: Path | None) -> Iterator[Registry]:
    from app.registry import Registry
    from app.registry.acting import acting_as, command_line
    from app.registry.sealing import MasterKeyMissing, MasterKeyUnusable
    from app.registry.sealing.settings import master_key_source
    from app.registry.signing import open_signer

    settings = Settings() if data is None else Settings(data=data)
    try:
        registry = Registry.open(
            settings.resolved_database_url,
            signer=open_signer(settings.signing_key_file),
            master_keys=master_key_source(settings),
        )
        try:
            registry.migrate()
            with acting_as(command_line()):
                yield registry
        finally:
            registry.close()
    except MasterKeyUnusable as unusable:
        _refuse(str(unusable))
    except MasterKeyMissing as missing:
        _refuse(f"{missing.detail} {missing.advice}")


def _refuse(detail: str) -> NoReturn:
    print_problem({"detail": detail}, as_json=False)
    raise typer.Exit(1)
