"""What lists of subjects and galleries cost as the registry grows.

    python -m tests.benchmarks.bench_lists [--subjects 100000] [--rounds 15]

Prints, for SQLite and PostgreSQL, the wall-clock milliseconds of each call with 1,000 subjects and
with many, and the ratio: about 1 where a call takes the same time however many there are. Of all
rounds the quickest counts, for a neighbour on the machine only ever makes one slower.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from app.registry import Registry, new_id
from app.registry.database import Database
from app.registry.fields import encode_cursor
from app.registry.tables import galleries, subjects, walks
from tests.servers import postgres_server, run_sql

Row = TypeVar("Row")

_FEW = 1_000
_BATCH_ROWS = 10_000
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_EVERY_TWENTIETH = 20  # subject is in the small gallery, so its rows lie far apart


def main() -> None:
    """Fills four databases, measures, and prints one table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="walkprint-bench-") as folder:
        files = (f"sqlite:///{Path(folder) / name}.db" for name in ("few", "many"))
        _compare("SQLite", *files, many=chosen.subjects, rounds=chosen.rounds)
    with postgres_server() as server:
        databases = (server.create_database() for _ in range(2))
        _compare("PostgreSQL", *databases, many=chosen.subjects, rounds=chosen.rounds)


def _compare(kind: str, few_url: str, many_url: str, *, many: int, rounds: int) -> None:
    figures = []
    for url, count in ((few_url, _FEW), (many_url, many)):
        _fill(url, count)
        registry = Registry.open(url)
        calls = _calls(registry, count)
        figures.append(_quickest_ms(calls, rounds))
        registry.close()
    table = Table("call", f"{_FEW:,} subjects", f"{many:,} subjects", "ratio", title=kind)
    for name, few_ms in figures[0].items():
        many_ms = figures[1][name]
        table.add_row(name, f"{few_ms:.2f} ms", f"{many_ms:.2f} ms", f"{many_ms / few_ms:.1f}")
    Console().print(table)


def _quickest_ms(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken[name].append(1000.0 * (time.perf_counter() - started))
    return {name: min(each) for name, each in taken.items()}


def _calls(registry: Registry, count: int) -> dict[str, Callable[[], object]]:
    late = encode_cursor(count * 9 // 10)
    middle = count // 2 + 1
    listed = registry.subjects.list
    return {
        "first page": listed,
        "page after 90 %": lambda: listed(cursor=late),
        "first page of the large gallery": lambda: listed(gallery="large"),
        "page of the large gallery after 90 %": lambda: listed(gallery="large", cursor=late),
        "first page of the small gallery": lambda: listed(gallery="small"),
        "page of the small gallery after 90 %": lambda: listed(gallery="small", cursor=late),
        "page of a gallery with nobody": lambda: listed(gallery="empty"),
        "one subject by id": lambda: registry.subjects.get(_subject(middle), gallery="large"),
        "search that many match": lambda: listed(search="person"),
        "search that one matches, the last": lambda: listed(search=_subject(count - 1)),
        "search in a gallery that nobody matches": lambda: listed(gallery="large", search="zzz"),
        "all galleries, counted": registry.galleries.list,
    }


def _fill(url: str, count: int) -> None:
    registry = Registry.open(url)
    registry.migrate()
    registry.close()
    database = Database(url)
    with database.write() as connection:
        names = [{"name": name, "created_at": _NOW} for name in ("large", "small", "empty")]
        connection.execute(insert(galleries), names)
        for rows in _batches(_subjects(count)):
            connection.execute(insert(subjects), rows)
        for numbers in _batches(iter(range(1, count + 1))):
            connection.execute(insert(walks), [_walk(number) for number in numbers])
    database.close()
    if not url.startswith("sqlite"):
        run_sql(url, "VACUUM (ANALYZE)")  # as autovacuum would have done by then


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH_ROWS)):
        yield batch


def _subjects(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        yield {
            "gallery_id": 2 if number % _EVERY_TWENTIETH == 0 else 1,
            "external_id": _subject(number),
            "name": f"Person {number}",
            "metadata": {"department": f"group {number % 97}", "badge": number},
            "created_at": _NOW,
            "updated_at": _NOW,
        }


def _walk(subject_id: int) -> dict[str, object]:
    return {
        "id": new_id(),
        "subject_id": subject_id,
        "created_at": _NOW,
        "gei": b"\x89PNG" * 300,
        "quality": {"score": 0.7},
        "source": "frames",
    }


def _subject(number: int) -> str:
    return f"employee-{number:07d}"


if __name__ == "__main__":
    main()
