"""`walkprint audit`: who did what, read and checked in the database itself, without the service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.commands.options import AsJson
from app.commands.output import answers, notes, print_json, print_problem, print_table
from app.settings import Settings

if TYPE_CHECKING:
    from app.registry.audit.log import AuditLog, Wanted
    from app.registry.audit.verifying import Anchor, Verified
    from app.registry.signing import PublicKey

audit = typer.Typer(no_args_is_help=True)

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        show_default="data",
        help="The service's data folder; WALKPRINT_DATABASE_URL names a database elsewhere.",
    ),
]


@audit.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="What `audit export` wrote; without: the database."
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            exists=True,
            dir_okay=False,
            help="The service's public key, noted down earlier (GET /audit/key). Again for one it"
            " had before. Without: the key in the data folder.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ:HASH", help="An end that was noted down: the log must go on from there."
        ),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing in the audit log was changed, removed or put in another place.

    Ends with 1 at the first entry that is not as it was written, and else prints the end of the
    log: note it down elsewhere for the next --since. What this can show, and what not, stands in
    docs/audit.md.

    \b
    Example:
      walkprint audit verify --key audit-key.pem --since 1841:9f2c…
    """
    from app.registry.audit.lines import NoAuditFile
    from app.registry.audit.verifying import LogBroken
    from app.registry.signing import KeyFileUnusable

    settings = _settings(data)
    anchor = None if since is None else _anchor(since)
    try:
        found = _check(file, settings, _keys(key, settings), anchor)
    except LogBroken as broken:
        problem: dict[str, object] = {
            "title": "The audit log is broken",
            "detail": str(broken),
            "fault": broken.fault,
            "seq": broken.seq,
        }
        print_problem(problem, as_json=as_json)
        raise typer.Exit(1) from None
    except (NoAuditFile, KeyFileUnusable) as refused:
        _refuse(str(refused))
    if as_json:
        print_json(
            {
                "entries": found.entries,
                "end": str(found.end),
                "signer": found.signer,
                "earlier_signers": found.earlier_signers,
            }
        )
        return
    notes.print(f"[green]The log is whole:[/] {found.entries} entries, signed by {found.signer}.")
    for signer in found.earlier_signers:
        notes.print(f"An earlier end was signed by {signer}.")
    answers.print(str(found.end), soft_wrap=True)


@audit.command()
def show(
    limit: Annotated[int, typer.Option(min=1, help="So many entries.")] = 50,
    action: Annotated[str | None, typer.Option(help="Only this, as `subject.erased`.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only they, as `key:3f9a`.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries.

    \b
    Example:
      walkprint audit show --action gallery.exported
    """
    from app.registry.audit.log import Wanted

    with _log(_settings(data)) as log:
        entries = [json.loads(text) for text in _newest(log, limit, Wanted(action, actor))]
    if as_json:
        print_json(entries)
        return
    rows = [
        (
            str(entry["seq"]),
            entry["time"][:19],
            entry["actor"],
            entry["action"],
            " ".join(f"{name}={_short(value)}" for name, value in entry["details"].items()),
        )
        for entry in entries
    ]
    print_table(None, ("entry", "time (UTC)", "who", "what", "of"), rows)


@audit.command()
def export(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="Where to; without: printed."),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Write the whole log as JSON lines, which `audit verify FILE` checks anywhere.

    \b
    Example:
      walkprint audit export -o audit.jsonl
    """
    from app.registry.audit.lines import log_lines

    with _log(_settings(data)) as log, log.whole() as whole:
        if output is None:
            sys.stdout.writelines(log_lines(whole))
            return
        with output.open("w", encoding="utf-8") as opened:
            opened.writelines(log_lines(whole))


def _check(
    file: Path | None, settings: Settings, keys: list[PublicKey], since: Anchor | None
) -> Verified:
    from app.registry.audit.lines import AuditFile
    from app.registry.audit.verifying import verify as check

    if file is None:
        with _log(settings) as log, log.whole() as whole:
            return check(whole, keys, since=since)
    # What is no UTF-8 then fits no hash.
    with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        return check(AuditFile(lines), keys, since=since)


def _keys(files: list[Path] | None, settings: Settings) -> list[PublicKey]:
    from app.registry.signing import read_public_key

    if files:
        return [read_public_key(file) for file in files]
    if not settings.signing_key_file.is_file():
        _refuse(
            f"There is no key at {settings.signing_key_file}: name the data folder with --data, or"
            " the service's public key with --key."
        )
    return [read_public_key(settings.signing_key_file)]


def _anchor(text: str) -> Anchor:
    from app.registry.audit.verifying import Anchor

    try:
        return Anchor.parse(text)
    except ValueError:
        raise typer.BadParameter("It is SEQ:HASH, as `audit verify` prints it.") from None


def _newest(log: AuditLog, limit: int, wanted: Wanted) -> Iterator[str]:
    """Texts of the newest entries, in the order in which they were written."""
    from app.registry.audit.log import MAX_PAGE

    found: list[str] = []
    after: int | None = None
    while len(found) < limit:
        some = min(limit - len(found), MAX_PAGE)
        page = log.page(limit=some, after=after, wanted=wanted)
        found.extend(entry.text for entry in page.entries)
        after = page.next_after
        if after is None:
            break
    return reversed(found)


@contextmanager
def _log(settings: Settings) -> Iterator[AuditLog]:
    """The log of the database that the settings name."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import DBAPIError

    from app.outages import Outage
    from app.registry import Registry

    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        _refuse(f"There is no database at {url.database}: name the data folder with --data.")
    registry = Registry.open(settings.resolved_database_url)
    try:
        yield registry.audit
    except Outage as outage:
        _refuse(outage.detail)
    except DBAPIError as error:
        _refuse(f"The database has no audit log, or cannot be read: {error.orig}")
    finally:
        registry.close()


def _settings(data: Path | None) -> Settings:
    return Settings() if data is None else Settings(data=data)


def _short(value: object) -> str:
    return "-" if value is None else json.dumps(value, separators=(",", ":")).strip('"')


def _refuse(detail: str) -> NoReturn:
    print_problem({"detail": detail}, as_json=False)
    raise typer.Exit(1)
