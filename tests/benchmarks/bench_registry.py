"""A million templates in one gallery: starts, searches, changes and memory, beside their limits.

`make bench-registry`; TEMPLATES=100000 for a smaller gallery, SIZE=512 for longer vectors. Each
figure is taken in a process of its own. CPU time is what a figure would be on a free core; the
clock is given where somebody waits.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from app.search.view import Layout
from tests.benchmarks import registry_measuring as measuring
from tests.benchmarks.exchange_speed import import_rate, write_file
from tests.benchmarks.registry_filling import fill
from tests.servers import postgres_server

Measured = TypeVar("Measured")
Where = TypeVar("Where", Path, Path | None)
_IMPORTED_WALKS = 60_000
Row = tuple[str, str, str, str]
"""Figure, measured, ratio to the limit, what it must be."""


def main() -> None:
    """Fills both databases, measures, prints one table."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # Libraries read these when they are loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.bench_registry", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **threads})  # noqa: S606 (ourselves)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=256, help="values of a vector")
    parser.add_argument(
        "--filled",
        nargs=2,
        metavar=("SQLITE_URL", "POSTGRESQL_URL"),
        help="registries that were filled like this before, of as many templates and that size",
    )
    options = parser.parse_args()
    console = Console(width=110)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walkprint-bench-")))
        if options.filled:
            sqlite, postgresql = options.filled
        else:
            sqlite = f"sqlite:///{folder / 'walkprint.db'}"
            postgresql = stack.enter_context(postgres_server()).create_database()
            for url in (sqlite, postgresql):
                began = time.perf_counter()
                fill(url, options.templates, options.size)
                console.print(f"{url.split(':')[0]} filled in {time.perf_counter() - began:.0f} s")
        halves = options.templates >= Layout().half_from
        raw_bytes = options.templates * options.size * (2 if halves else 4)
        rows = _starts(sqlite, postgresql, folder, raw_bytes)
        rows += _changes(sqlite, folder / "snapshots")
        rows += _approximate(sqlite, folder / "snapshots")
        # Last: its erasures delete the snapshot.
        rows += _searches(sqlite, folder / "snapshots")
        rows += _imports(folder)
    _print(console, rows, f"{options.templates:,} templates of {options.size} values, one gallery")


def _starts(sqlite: str, postgresql: str, folder: Path, raw_bytes: int) -> list[Row]:
    snapshots = folder / "snapshots"
    from_sqlite = _apart(measuring.start, sqlite, snapshots)  # and leaves a snapshot
    from_postgresql = _apart(measuring.start, postgresql, None)
    from_snapshot = _apart(measuring.start, sqlite, snapshots)
    rows = []
    for name, begun, bound in (
        ("start from SQLite", from_sqlite, 60),
        ("start from PostgreSQL", from_postgresql, 60),
        ("start from a snapshot", from_snapshot, 10),
    ):
        taken = f"{begun.seconds:.1f} s, CPU {begun.cpu_seconds:.1f} s"
        rows.append((name, taken, "", f"≤ {bound} s"))
    for name, begun in (("SQLite", from_sqlite), ("a snapshot", from_snapshot)):
        ratio = begun.held_bytes / raw_bytes
        megabytes = f"{begun.held_bytes / 1e6:.0f} MB of {raw_bytes / 1e6:.0f} MB of vectors"
        rows.append((f"memory after {name}", megabytes, f"{ratio:.2f}", "≤ 1.30"))
    peak = from_sqlite.peak_bytes
    rows.append(("its peak, from SQLite", f"{peak / 1e6:.0f} MB", f"{peak / raw_bytes:.2f}", ""))
    return rows


def _searches(url: str, snapshots: Path) -> list[Row]:
    taken = _apart(measuring.searching, url, snapshots)
    added, removed = taken.templates_ms
    return [
        ("memory read once, CPU", f"{taken.limit:.1f} ms", f"{taken.limit / taken.bare:.2f}", ""),
        ("bare FAISS, same kind, CPU p50", f"{taken.bare:.1f} ms", "1.00", ""),
        ("the index", f"{taken.index:.1f} ms", f"{taken.index / taken.bare:.2f}", "≤ 1.20"),
        ("a whole search, SQL too", f"{taken.whole:.1f} ms", f"{taken.whole / taken.bare:.2f}", ""),
        ("an enrolment reaches the index, CPU", f"{added:.2f} ms", "", "≤ 5 ms"),
        ("an erasure reaches the index, CPU", f"{removed:.2f} ms", "", "≤ 5 ms"),
    ]


def _changes(url: str, snapshots: Path) -> list[Row]:
    taken = _apart(measuring.churning, url, snapshots)
    alone, beside = taken.alone, taken.beside
    return [
        ("removal of 30 %, gaps closed, CPU", f"{taken.remove_ms:.4f} ms each", "", "≤ 5 ms"),
        ("search on the clock, p50 / p95", f"{alone[0]:.0f} / {alone[1]:.0f} ms", "1.00", ""),
        (
            "beside 20 changes a second",
            f"{beside[0]:.0f} / {beside[1]:.0f} ms",
            f"{beside[0] / alone[0]:.2f} / {beside[1] / alone[1]:.2f}",
            "",
        ),
    ]


def _approximate(url: str, snapshots: Path) -> list[Row]:
    taken = _apart(measuring.approximating, url, snapshots)
    return [
        ("exact search, CPU p50", f"{taken.exact:.1f} ms", "1.00", ""),
        (
            "approximate search",
            f"{taken.approximate:.1f} ms",
            f"{taken.approximate / taken.exact:.2f}",
            "",
        ),
        ("its recall, first / five", f"{taken.first:.3f} / {taken.five:.3f}", "", ""),
        ("its finders are made in, CPU", f"{taken.build_cpu_seconds:.1f} s", "", ""),
    ]


def _imports(folder: Path) -> list[Row]:
    file = folder / "gallery.jsonl"
    write_file(file, _IMPORTED_WALKS)
    with postgres_server() as server:
        urls = {
            "SQLite": f"sqlite:///{folder / 'import.db'}",
            "PostgreSQL": server.create_database(),
        }
        rates = {name: import_rate(url, file, _IMPORTED_WALKS) for name, url in urls.items()}
    return [
        (f"import into {name}", f"{rate:,.0f} walks/s", "", bound)
        for (name, rate), bound in zip(rates.items(), ("", "≥ 5,000/s"), strict=True)
    ]


def _apart(measure: Callable[[str, Where], Measured], url: str, snapshots: Where) -> Measured:
    """Measures in a new process, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, url, snapshots).result()


def _print(console: Console, rows: list[Row], title: str) -> None:
    load = os.getloadavg()[0]
    table = Table(title=f"{title}; load {load:.1f} on {os.cpu_count()} cores", title_justify="left")
    for column in ("figure", "measured", "ratio", "must be"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
