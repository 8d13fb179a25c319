"""What the audit log costs: the registry's part of each call, with the log and without.

    python -m tests.benchmarks.bench_audit

Both take turns on databases of their own, on SQLite and on PostgreSQL (without fsync, as tests run
it), so that the differences hold whatever else this machine does. Then the size of an entry, and
how fast a log is checked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.audit.chain import Chain
from app.registry.audit.verifying import verify
from app.registry.signing import Signer, open_signer
from tests.benchmarks.timing import interleaved_milliseconds
from tests.enrolling import enroll, identify_job, running_job, unit_vector
from tests.servers import postgres_server

_THREADS = 8
_GEI_BYTES = 2500
"""As large as a picture of a walk."""


class Silent(Chain):
    """Writes nothing down."""

    def _append(self, connection: Connection, notes: list[object]) -> None:  # type: ignore[override]  # what is noted is no business of this
        pass


def opened(url: str, signer: Signer, *, logs: bool) -> Registry:
    """A migrated registry."""
    registry = Registry.open(url, signer=signer)
    registry.migrate()
    if not logs:
        database = registry._database
        database._chain = Silent(signer, database.now)
    return registry


def calls_of(registry: Registry) -> dict[str, Callable[[], object]]:
    """The registry's part of what callers ask for."""
    numbers = count()
    vector_d = unit_vector(1, 256)
    picture = bytes(_GEI_BYTES)
    enroll(registry, "first", [vector_d], gei_png=picture)
    (walk,) = registry.walks.list("first")

    def enroll_one() -> None:
        enroll(registry, f"subject-{next(numbers)}", [vector_d], gei_png=picture)

    def identify_one() -> None:
        job = running_job(registry, identify_job("default"))
        answer: dict[str, object] = {"decision": "match", "subject": "first"}
        registry.jobs.finish(
            job.id, job.attempt, answer, mentions=["first"], gei_png_by_walker={1: picture}
        )

    return {
        "enrol": enroll_one,
        "identify": identify_one,
        "picture": lambda: registry.walks.gei_png(walk.id),
    }


def measure(urls: tuple[str, str], signer: Signer, rounds: int) -> list[tuple[str, float, float]]:
    """Median milliseconds of each call with and without the log, and of eight threads at once."""
    logging = opened(urls[0], signer, logs=True)
    silent = opened(urls[1], signer, logs=False)
    calls = {
        (name, logs): call
        for logs, registry in ((True, logging), (False, silent))
        for name, call in calls_of(registry).items()
    }
    by_text = {f"{name}/{logs}": call for (name, logs), call in calls.items()}
    taken = interleaved_milliseconds(by_text, rounds, time.perf_counter)
    rows = [
        (name, taken[f"{name}/True"], taken[f"{name}/False"])
        for name in ("enrol", "identify", "picture")
    ]
    for name in ("enrol", "identify"):
        both: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(5):
            for logs, results in both.items():
                results.append(at_once(calls[name, logs], rounds))
        rows.append((f"{name}, {_THREADS} threads", min(both[True]), min(both[False])))
    check(logging, signer)
    logging.close()
    silent.close()
    return rows


def at_once(call: Callable[[], object], rounds: int) -> float:
    """Milliseconds per call when eight threads make them."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda _: call(), range(rounds)))
    return 1000.0 * (time.perf_counter() - begun) / rounds


def check(registry: Registry, signer: Signer) -> None:
    """Prints how large the log is and how fast it is checked."""
    begun = time.perf_counter()
    with registry.audit.whole() as log:
        found = verify(log, [signer.public])
    seconds = time.perf_counter() - begun
    database = registry._database
    on_disk = (
        "SELECT sum(pgsize) FROM dbstat WHERE name = 'audit'"
        if database.is_sqlite
        else "SELECT pg_total_relation_size('audit')"
    )
    with database.read() as connection:
        size_bytes = connection.execute(text(on_disk)).scalar_one()
    Console().print(
        f"{found.entries} entries, {size_bytes / found.entries:.0f} bytes each in the database;"
        f" checked {found.entries / seconds:,.0f} a second"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    table = Table("database", "call", "ms with the log", "without", "costs", title="Audit log")
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        signer = open_signer(Path(folder) / "signing.key")
        urls = {
            "SQLite": tuple(f"sqlite:///{folder}/{name}.db" for name in ("logging", "silent")),
            "PostgreSQL": tuple(server.create_database() for _ in range(2)),
        }
        with acting_as("key:0123456789abcdef"):
            for database, (logging, silent) in urls.items():
                for name, with_log, without in measure((logging, silent), signer, rounds):
                    costs = f"{with_log - without:+.2f}"
                    table.add_row(database, name, f"{with_log:.2f}", f"{without:.2f}", costs)
    Console().print(table)


if __name__ == "__main__":
    main()
