"""What the commands print: answers on standard output, everything else on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

answers = Console(highlight=False)
notes = Console(stderr=True, highlight=False)
_LONGEST_WHOLE = 40  # letters of a first column: half of a terminal's usual 80


def print_json(answer: object) -> None:
    """Prints one JSON document, as it is: no colours, no wrapping."""
    answers.print(
        json.dumps(answer, ensure_ascii=False, indent=2, default=str),
        markup=False,
        soft_wrap=True,
    )


def print_fields(fields: Mapping[str, object]) -> None:
    """Prints names and values; entries that are None are left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in fields.items():
        if value is not None:
            grid.add_row(f"[dim]{name}[/dim]", escape(str(value)))
    answers.print(grid)


def print_table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints rows; numbers stand right-aligned with three decimals."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], (int, float)) for row in rows)
        # Names and ids stand first, and are there to be copied: other columns are folded for them.
        whole = index == 0 and all(len(str(row[0])) <= _LONGEST_WHOLE for row in rows)
        table.add_column(
            column,
            justify="right" if numeric else "left",
            no_wrap=whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    answers.print(table)


def print_problem(problem: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints what went wrong and what to do about it, without a traceback."""
    if as_json:
        notes.print(
            json.dumps(problem, ensure_ascii=False, default=str), markup=False, soft_wrap=True
        )
        return
    detail = problem.get("detail") or problem.get("title") or "The request failed."
    # Not wrapped: a path or an address in it can be copied whole.
    notes.print(f"[bold red]Error:[/] {escape(str(detail))}", soft_wrap=True)
    if problem.get("advice"):
        notes.print(f"[dim]{escape(str(problem['advice']))}[/]", soft_wrap=True)


def progress_bar(*, quiet: bool) -> Progress:
    """A bar with count, time spent and time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=notes,
        disable=quiet,
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))
