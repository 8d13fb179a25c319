"""`walkprint enroll --from-folder`: thousands of walks, with progress and a report."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer
from rich.markup import escape

from app.bulk import Line, Report, enroll_walks, take_inventory, walks_due
from app.client import Client, RetryPolicy
from app.commands.output import answers, notes, print_json, print_table, progress_bar

# A run of hours outlives a restart of the service: about a minute of tries.
_PATIENT = RetryPolicy(attempts=12)
# As many refused walks are shown on the screen; all of them are in the report.
_SHOWN = 10


def enroll_folder(
    folder: Path,
    gallery: str,
    report_path: Path | None,
    requests_at_once: int,
    url: str,
    as_json: bool,
) -> None:
    """Enrols a folder and prints a summary; exit code 1 when a walk failed."""
    report_path = report_path or folder.resolve().with_name(
        f"{folder.resolve().name}.enrolled.jsonl"
    )
    inventory = take_inventory(folder)
    if not inventory.walks:
        notes.print(f"[bold red]Error:[/] No walks under {escape(str(folder))}.")
        notes.print("[dim]Expected DIR/<subject>/<walk>.mp4, .zip, .tar or a folder of frames.[/]")
        raise typer.Exit(1)
    failed: list[Line] = []
    with (
        Report(report_path) as report,
        Client(url, connections=requests_at_once, retries=_PATIENT) as client,
        progress_bar(quiet=as_json) as progress,
    ):
        due = walks_due(inventory.walks, report, gallery)
        skipped = len(inventory.walks) - len(due)
        task = progress.add_task(
            "Enrolling", total=len(inventory.walks), completed=skipped, note=""
        )

        def show(line: Line) -> None:
            if line.problem is not None:
                failed.append(line)
            progress.update(task, advance=1, note=f"{len(failed)} failed" if failed else "")

        result = enroll_walks(
            client,
            due,
            report,
            gallery=gallery,
            requests_at_once=requests_at_once,
            on_finished=show,
        )
    if as_json:
        print_json(
            {
                "gallery": gallery,
                "enrolled": result.enrolled,
                "failed": result.failed,
                "skipped": skipped,
                "ignored": [str(path) for path in inventory.ignored],
                "report": str(report_path),
            }
        )
    else:
        _print_summary(failed, result.enrolled, skipped, inventory.ignored, report_path)
    if failed:
        raise typer.Exit(1)


def _print_summary(
    failed: list[Line], enrolled: int, skipped: int, ignored: tuple[Path, ...], report_path: Path
) -> None:
    answers.print(
        f"[green]{enrolled} enrolled[/], {skipped} already there,"
        f" {f'[red]{len(failed)} failed[/]' if failed else '0 failed'}"
    )
    if ignored:
        answers.print(f"[dim]{len(ignored)} paths are not walks, e.g. {escape(str(ignored[0]))}[/]")
    if failed:
        rows = [
            (f"{line.subject}/{line.walk}", (line.problem or {}).get("detail"))
            for line in failed[:_SHOWN]
        ]
        print_table("Failed", ("walk", "why"), rows)
        reasons = Counter(str((line.problem or {}).get("title")) for line in failed)
        for reason, count in reasons.most_common():
            answers.print(f"  {count}: {escape(reason)}")
        answers.print("[dim]Run the same command again to retry them.[/]")
    answers.print(f"[dim]Report: {escape(str(report_path))}[/]")
