"""`walkprint demo`: starts the real service, enrols people over HTTP and asks who is walking.

Everything in the table was answered by the service; the demo only knows what would be right.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.client import Client, Identification
from app.demo.people import NAMES, enrolled_walks, known_probes, stranger_probes
from app.demo.service_process import ServiceProcess
from app.demo.street import STREET_WALKER, cut_street

if TYPE_CHECKING:
    from app.client.walk import Media

_GALLERY = "demo"


@dataclass(frozen=True, slots=True)
class Row:
    """One probe and what the service said about it.

    Attributes:
        probe: the walk in a few words.
        expected: the subject that would be right; None where "unknown" would be.
        answer: the service's.
        milliseconds: from sending the walk to the answer.
    """

    probe: str
    expected: str | None
    answer: Identification
    milliseconds: float

    @property
    def is_right(self) -> bool:
        """Whether the service named the right person, or rightly nobody."""
        return self.answer.subject == self.expected


def run_demo(console: Console, *, data: Path, port: int, once: bool) -> bool:
    """Runs the demo.

    Args:
        console: where the table goes.
        data: a fresh folder is made in it for the demo's service, and removed at the end.
        port: of the service; 0 takes a free one.
        once: stop after the table; otherwise the service stays until Ctrl-C.

    Returns:
        Whether every row was right.

    Raises:
        ServiceDidNotStart: with the end of its log.
    """
    data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=data))
    try:
        with (
            ServiceProcess(folder, port=port) as service,
            Client(service.url, api_key="") as client,
        ):
            console.print(
                f"The service was ready after {service.start_seconds:.1f} s: {service.url}"
            )
            _enroll_everybody(client, console)
            rows = [*_generated_rows(client, console), *_street_rows(client, folder)]
            _print_rows(rows, console)
            if not once:
                _stay(service, console)
    finally:
        shutil.rmtree(folder)
    return all(row.is_right for row in rows)


def _enroll_everybody(client: Client, console: Console) -> None:
    started = time.perf_counter()
    walks = 0
    for person in track(NAMES, "Enrolling", console=console, transient=True):
        masks = [walk.masks_thw() for walk in enrolled_walks(person)]
        answer = client.enroll(person, masks, gallery=_GALLERY, name=person.capitalize())
        walks += len(answer.walks)
    seconds = time.perf_counter() - started
    console.print(f"Enrolled {len(NAMES)} people with {walks} walks in {seconds:.1f} s.")


def _generated_rows(client: Client, console: Console) -> Iterator[Row]:
    probes = [*known_probes(), *stranger_probes()]
    for walk in track(probes, "Identifying", console=console, transient=True):
        expected = walk.person if walk.person in NAMES else None
        yield _ask(client, walk.label, walk.masks_thw(), expected)


def _street_rows(client: Client, folder: Path) -> Iterator[Row]:
    """A real person in a real video: a stranger at first, then enrolled from another part of it."""
    first, second = cut_street(folder)
    yield _ask(client, "street, a stranger", second, None)
    client.enroll(STREET_WALKER, [first], gallery=_GALLERY)
    yield _ask(client, "street, enrolled", second, STREET_WALKER)


def _ask(client: Client, probe: str, walk: Media, expected: str | None) -> Row:
    started = time.perf_counter()
    answer = client.identify(walk, gallery=_GALLERY)
    return Row(probe, expected, answer, 1000.0 * (time.perf_counter() - started))


def _print_rows(rows: list[Row], console: Console) -> None:
    size, rate = rows[0].answer.gallery_size, rows[0].answer.target_fpir
    # Narrow enough for a terminal of 80 columns.
    table = Table(
        title=f"Who is walking? {size} people enrolled, target FPIR {rate:g}",
        caption=f"checkpoint {rows[0].answer.checkpoint}",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("probe", "expected", "decision", "subject"):
        table.add_column(column, no_wrap=True)
    for column in ("score", "threshold", "ms"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        score = row.answer.score
        table.add_row(
            row.probe,
            row.expected or "unknown",
            row.answer.decision,
            row.answer.subject or "",
            "" if score is None else f"{score:.3f}",
            f"{row.answer.threshold:.3f}",
            f"{row.milliseconds:.0f}",
            "[green]✓[/]" if row.is_right else "[bold red]✗[/]",
        )
    console.print(table)
    wrong = [row.probe for row in rows if not row.is_right]
    if wrong:
        console.print(f"[bold red]{len(wrong)} of {len(rows)} are wrong:[/] {'; '.join(wrong)}")
    else:
        console.print(f"[green]All {len(rows)} are right.[/]")


def _stay(service: ServiceProcess, console: Console) -> None:
    console.print(
        f"The service goes on at [bold]{service.url}[/] (API documentation: {service.url}/docs)."
        " Ctrl-C ends it and removes its data."
    )
    try:
        service.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")
