"""`walkprint doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from app.commands.options import DEFAULT_URL, AsJson
from app.commands.output import answers, print_json
from app.commands.starting import keep_to_one_thread_each

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            envvar="WALKPRINT_URL",
            show_default=f"{DEFAULT_URL}, if one runs there",
            help="The service that should be running.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with this installation, and say what to do about it.

    Looks at Python and the packages, the settings (also misspelled ones), folders, disk, database,
    checkpoint, sandbox, broker and the service, as the environment variables WALKPRINT_* name them.
    Changes nothing. Ends with 1 when something cannot work.

    \b
    Examples:
      walkprint doctor
      WALKPRINT_DATA=/srv/walkprint walkprint doctor
      walkprint doctor --url https://gait.example --json
    """
    keep_to_one_thread_each()

    from app.doctor import Finding, examine

    found: list[Finding] = []
    for finding in examine(url or DEFAULT_URL, is_named=url is not None):
        found.append(finding)
        if not as_json:
            _print(finding.level, finding.part, finding.says, finding.advice)
    failed = sum(finding.level == "fail" for finding in found)
    doubtful = sum(finding.level == "warn" for finding in found)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        answers.print(f"\n{failed} to mend, {doubtful} to look at.")
    if failed:
        raise typer.Exit(1)


def _print(level: str, part: str, says: str, advice: str) -> None:
    mark = f"[{_COLOURS[level]}]{level:<4}[/]"
    answers.print(f"{mark}  {part:<12}  {escape(says)}", soft_wrap=True)
    if advice:
        answers.print(f"{'':20}[dim]→ {escape(advice)}[/dim]", soft_wrap=True)
