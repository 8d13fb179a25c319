"""How fast a gallery comes in and goes out: `python -m tests.benchmarks.exchange_speed`.

One row is one walk: a 64 × 44 gait energy image of about 1.3 KB and a 256-d embedding.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from app.client import Client
from app.registry import NewCheckpoint, Registry
from app.registry.exchange.parsing import read_object, read_walk
from app.registry.exchange.reading import numbered_lines
from app.settings import Settings
from tests.gallery_files import base64_of, gei_png, header_line, packed, subject_line, walk_line
from tests.live_service import live_service
from tests.servers import postgres_server

_EMBEDDING_SIZE = 256
_WALKS_PER_SUBJECT = 5
_IMAGES = 500
_CHUNK_BYTES = 64 * 1024
_CHECKPOINT = "speed-64x44"
_QUALITY = {
    "score": 0.871,
    "level": "good",
    "findings": [],
    "frames_seen": 112,
    "frames_used": 96,
    "cycles": 3.2,
    "period_seconds": 1.07,
    "dropped": {"cut": 9, "small": 7},
}


def main() -> None:
    """Measures and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    table = Table("part", "seconds", "CPU seconds", "rows/s", title=f"{rows} walks")
    with TemporaryDirectory() as folder, postgres_server() as server:
        file = Path(folder) / "gallery.jsonl"
        write_file(file, rows)
        timed(table, rows, "lines and JSON", lambda: sum(1 for _ in _objects(file)))
        timed(table, rows, "and their validation", lambda: _validate(file))
        in_process(table, rows, "PostgreSQL", server.create_database(), file)
        in_process(table, rows, "SQLite", f"sqlite:///{Path(folder) / 'speed.db'}", file)
        over_http(table, rows, server.create_database(), file)
    Console().print(table)


def write_file(file: Path, rows: int) -> None:
    """A gallery file of so many walks, five of each subject."""
    random = np.random.default_rng(5)
    images = [base64_of(gei_png(seed)) for seed in range(_IMAGES)]
    subjects = -(-rows // _WALKS_PER_SUBJECT)
    counts = {"subjects": subjects, "walks": rows, "templates": rows}
    checkpoints = [{"id": _CHECKPOINT, "embedding_size": _EMBEDDING_SIZE}]
    digest = hashlib.sha256()
    with file.open("wb") as out:

        def put(line: dict[str, object]) -> None:
            data = packed([line])
            digest.update(data)
            out.write(data)

        put(header_line([], checkpoints=checkpoints, **counts))
        for row in range(rows):
            if row % _WALKS_PER_SUBJECT == 0:
                put(subject_line(f"subject-{row // _WALKS_PER_SUBJECT}", name="A. Walker"))
            vector_d = random.standard_normal(_EMBEDDING_SIZE).astype("<f4")
            vector_d /= np.linalg.norm(vector_d)
            put(
                walk_line(
                    row,
                    gei=images[row % _IMAGES],
                    quality=_QUALITY,
                    embeddings={_CHECKPOINT: base64_of(vector_d.tobytes())},
                )
            )
        out.write(json.dumps({"kind": "end", **counts, "sha256": digest.hexdigest()}).encode())


def timed(table: Table, rows: int, name: str, act: Callable[[], object]) -> None:
    """Adds a row to the table; CPU seconds are those of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    table.add_row(name, f"{wall:.1f}", f"{cpu:.1f}", f"{rows / wall:,.0f}")


def in_process(table: Table, rows: int, name: str, url: str, file: Path) -> None:
    """Adds imports and exports through the registry."""
    registry = Registry.open(url)
    registry.migrate()
    registry.checkpoints.install(NewCheckpoint(_CHECKPOINT, b"weights", {}))
    timed(table, rows, f"import, {name}", lambda: _import(registry, file, rows))
    timed(table, rows, f"the same again, {name}", lambda: _import(registry, file, 0))
    timed(table, rows, f"export, {name}", lambda: _export(registry, rows))
    registry.close()


def import_rate(url: str, file: Path, rows: int) -> float:
    """Walks a second that an empty registry imports."""
    registry = Registry.open(url)
    registry.migrate()
    registry.checkpoints.install(NewCheckpoint(_CHECKPOINT, b"weights", {}))
    start = time.perf_counter()
    _import(registry, file, rows)
    seconds = time.perf_counter() - start
    registry.close()
    return rows / seconds


def over_http(table: Table, rows: int, url: str, file: Path) -> None:
    """Adds the import and the export through a service and the client."""
    registry = Registry.open(url)
    registry.migrate()
    registry.checkpoints.install(NewCheckpoint(_CHECKPOINT, b"weights", {}))
    registry.close()
    settings = Settings(data=file.parent / "service", database_url=url, device="cpu")
    with live_service(settings) as service, Client(service.url) as client:
        timed(table, rows, "import over HTTP", lambda: client.import_gallery(file))
        back = file.with_suffix(".back")
        timed(table, rows, "export over HTTP", lambda: client.export_gallery("default", back))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _objects(file: Path) -> Iterator[dict[str, object]]:
    return (read_object(line) for _, line in numbered_lines(_chunks(file)))


def _validate(file: Path) -> None:
    for fields in _objects(file):
        if fields["kind"] == "walk":
            read_walk(fields, {_CHECKPOINT: _EMBEDDING_SIZE})


def _import(registry: Registry, file: Path, new_rows: int) -> None:
    report = registry.exchange.import_file("default", _chunks(file))
    if (report.walks_added, report.templates_added) != (new_rows, new_rows):
        raise RuntimeError(f"{new_rows} walks should have been added: {report}")


def _export(registry: Registry, rows: int) -> None:
    lines = sum(1 for _ in registry.exchange.export("default"))
    if lines < rows:
        raise RuntimeError(f"only {lines} lines came out")


if __name__ == "__main__":
    main()
