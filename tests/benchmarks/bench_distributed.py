"""What it costs to have the work done elsewhere: `make bench-distributed`.

One service that works itself, and one whose two workers are processes of their own behind RabbitMQ,
each over its own PostgreSQL database with the same people, asked in turns on the same cores. Then
ten services with two hundred callers each: 2,000 calls that wait together for the same two workers.
PostgreSQL's durability is off, as in the tests.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from app.demo import ServiceProcess
from app.registry import Registry
from model.encoder import Encoder
from tests.benchmarks.cpu_time import family_cpu_seconds
from tests.benchmarks.gallery import GALLERY, fill_gallery, write_probes
from tests.benchmarks.load import Asker, Outcome, Plan, body_of, run_elsewhere
from tests.distributed import WorkerProcess, service_of, town_environment
from tests.rabbitmq import rabbit_server
from tests.servers import PostgresServer, postgres_server

_TEMPLATES = 1_000
_PROBES = 24
_CLIENTS = 16
_WORKERS = 2
_QUIET = {
    "WALKPRINT_DEVICE": "cpu",
    "WALKPRINT_LOG_LEVEL": "warning",
    # Eleven services and two workers stay below the 100 of a PostgreSQL as it comes.
    "WALKPRINT_DATABASE_CONNECTIONS": "6",
}
# Of the crowd: every caller sends its first call within this time, and hardly one a second call.
_GATHERING_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both ways to have the work done, ready.

    Attributes:
        alone: the port of the service that works itself.
        town: the service with workers.
        data: the folder of the town.
        environment: with which further services join it.
        helpers: what serves the town besides services: names and process ids.
    """

    alone: int
    town: ServiceProcess
    data: Path
    environment: dict[str, str]
    helpers: dict[str, list[int]]

    def cpu_seconds(self, services: list[ServiceProcess]) -> dict[str, float]:
        """What the town's processes have used so far, by kind."""
        kinds = {"services": [service.pid for service in services], **self.helpers}
        return {kind: family_cpu_seconds(pids) for kind, pids in kinds.items()}


def main(arguments: list[str] | None = None) -> None:
    """Runs everything and prints one table."""
    if "OMP_NUM_THREADS" not in os.environ:
        # As `walkprint serve` does; the libraries read it when they are loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.bench_distributed", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **threads})  # noqa: S606 (ourselves)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="calls of one caller, each side")
    parser.add_argument("--rounds", type=int, default=3, help="of throughput, each side")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a round")
    parser.add_argument("--services", type=int, default=10, help="of the crowd")
    parser.add_argument("--callers", type=int, default=200, help="of each of them")
    options = parser.parse_args(arguments)
    table = Table(
        title=f"identify, {_TEMPLATES:,} templates, 40-frame zip, {os.cpu_count()} cores",
        title_justify="left",
    )
    for column in ("figure", "works itself", f"{_WORKERS} workers", "", "asked"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    with tempfile.TemporaryDirectory(prefix="walkprint-bench-") as folder:
        probes = write_probes(Path(folder), _PROBES)
        with _both(Path(folder)) as sides:
            rate = _add_comparison(table, sides, probes, options)
            _add_crowd(table, sides, probes, rate, options)
    Console().print(table)


@contextmanager
def _both(folder: Path) -> Iterator[_Sides]:
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        rabbit = stack.enter_context(rabbit_server())
        alone = stack.enter_context(
            ServiceProcess(
                folder / "alone",
                environment=_QUIET | {"WALKPRINT_DATABASE_URL": _filled(postgres)},
            )
        )
        more = {"WALKPRINT_WAIT_SECONDS": "1800", "OMP_NUM_THREADS": "1"}
        environment = town_environment(_filled(postgres), rabbit.url, **_QUIET, **more)
        data = folder / "town"
        data.mkdir()
        helpers: dict[str, list[int]] = {
            "workers": [],
            "database": [postgres.pid],
            "broker": [rabbit.pid],
        }
        for number in range(_WORKERS):
            worker = WorkerProcess(data, environment, name=f"worker-{number}")
            stack.callback(worker.stop)
            worker.start()
            helpers["workers"].append(worker.pid)
        town = stack.enter_context(service_of(data, environment))
        yield _Sides(alone.port, town, data, environment, helpers)


def _filled(postgres: PostgresServer) -> str:
    url = postgres.create_database()
    registry = Registry.open(url)
    registry.migrate()
    encoder = Encoder.load(device="cpu")
    fill_gallery(
        registry,
        encoder.checkpoint.checkpoint_id,
        templates=_TEMPLATES,
        size=encoder.embedding_size,
    )
    registry.close()
    return url


def _add_comparison(
    table: Table, sides: _Sides, probes: list[Path], options: argparse.Namespace
) -> float:
    """Adds latency and throughput; returns the town's walks per second."""
    askers = {port: Asker(port, GALLERY) for port in (sides.alone, sides.town.port)}
    bodies = [body_of(probe, GALLERY) for probe in probes]
    milliseconds: dict[int, list[float]] = {port: [] for port in askers}
    warm_up = 20
    for turn in range(options.pairs + warm_up):
        for port, asker in askers.items():
            begun = perf_counter()
            asker.identify(bodies[turn % len(bodies)])
            if turn >= warm_up:
                milliseconds[port].append(1000.0 * (perf_counter() - begun))
    for asker in askers.values():
        asker.close()
    for name, share in (("p50", 0.50), ("p95", 0.95)):
        here, there = (_quantile(milliseconds[port], share) for port in askers)
        asked = "≤ +15" if share == 0.5 else ""
        table.add_row(
            f"one caller, {name}, ms", f"{here:.1f}", f"{there:.1f}", f"{there - here:+.1f}", asked
        )
    rounds: dict[int, list[Outcome]] = {port: [] for port in askers}
    for number in range(options.rounds + 1):
        for port in askers:
            before = sides.cpu_seconds([sides.town])
            outcome = run_elsewhere(_plan(port, probes, _CLIENTS, options.seconds))
            if number:
                rounds[port].append(outcome)
    # The last round was the town's.
    used = _cpu_per_walk(before, sides.cpu_seconds([sides.town]), [outcome])
    rates = {
        port: statistics.median(each.answered / each.seconds for each in outcomes)
        for port, outcomes in rounds.items()
    }
    here, there = rates.values()
    table.add_row(
        f"walks/s, {_CLIENTS} callers",
        f"{here:.1f}",
        f"{there:.1f}",
        f"{there / here:.2f}",
        "≥ 0.90",
    )
    table.add_row(f"CPU per walk, ms: {used}")
    return there


def _add_crowd(
    table: Table, sides: _Sides, probes: list[Path], rate: float, options: argparse.Namespace
) -> None:
    """Adds what a crowd of callers at several services sees, beside what queueing alone would."""
    with ExitStack() as stack:
        services = [sides.town]
        for _ in range(options.services - 1):
            services.append(stack.enter_context(service_of(sides.data, sides.environment)))
        plans = [_plan(each.port, probes, options.callers, _GATHERING_SECONDS) for each in services]
        before = sides.cpu_seconds(services)
        begun = perf_counter()
        with ThreadPoolExecutor(len(plans)) as loads:
            outcomes = list(loads.map(run_elsewhere, plans))
        seconds = perf_counter() - begun
        used = _cpu_per_walk(before, sides.cpu_seconds(services), outcomes)
    answered = sum(outcome.answered for outcome in outcomes)
    waits = [each / 1000.0 for outcome in outcomes for each in outcome.milliseconds]
    who = f"{options.services} services, {options.callers} callers each"
    table.add_row(
        f"{who}: walks/s", "", f"{answered / seconds:.1f}", f"{answered / seconds / rate:.2f}", ""
    )
    # First come, first served: the k-th of N calls that come together waits k / rate.
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        queueing = share * options.services * options.callers * seconds / answered
        wait = _quantile(waits, share)
        table.add_row(
            f"{who}: {name}, s (queueing at this rate: {queueing:.1f})",
            "",
            f"{wait:.1f}",
            f"{wait / queueing:.2f}",
            "1",
        )
    table.add_row(f"CPU per walk, ms: {used}")


def _cpu_per_walk(
    before: dict[str, float], after: dict[str, float], outcomes: list[Outcome]
) -> str:
    """Where the time of the cores went between two looks, in words."""
    used = {kind: after[kind] - before[kind] for kind in before}
    used["callers"] = sum(outcome.cpu_seconds for outcome in outcomes)
    walks = sum(outcome.answered for outcome in outcomes)
    each = ", ".join(f"{kind} {1000 * seconds / walks:.1f}" for kind, seconds in used.items())
    return f"{each}; together {1000 * sum(used.values()) / walks:.1f}"


def _plan(port: int, probes: list[Path], clients: int, seconds: float) -> Plan:
    return Plan(port, GALLERY, tuple(map(str, probes)), clients=clients, seconds=seconds)


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


if __name__ == "__main__":
    main()
