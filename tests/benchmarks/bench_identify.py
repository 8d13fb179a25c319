"""How much the service adds to the computation it serves: `make bench`.

    python -m tests.benchmarks.bench_identify [--quick]

Prints one table of ratios. Both sides run on the same cores, in the same minutes, in turns, with
the same encoder, thread settings, database and gallery: 10,000 random unit vectors, enrolled
through the registry's own enrolment. The in-process side reads its walk from disk; over HTTP
it is sent, stored, accepted as a job, and the answer is stored before it is given.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.demo import ServiceProcess
from app.registry import Registry
from app.settings import Settings
from app.worker.recognisers import encoder_threads
from model.encoder import Encoder
from tests.benchmarks.cpu_time import cpu_seconds
from tests.benchmarks.gallery import GALLERY, fill_gallery, write_probes
from tests.benchmarks.in_process import STAGES, InProcess, Limit
from tests.benchmarks.load import Asker, Outcome, Plan, body_of, run_elsewhere

_TEMPLATES = 10_000
_PROBES = 24
_CLIENTS = 16
_BATCH_SIZES = (1, 4, 8, 16)
_CAPTURE_THREADS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one side, each a list over requests; `stages` by name."""

    total: list[float]
    stages: dict[str, list[float]]


def main() -> None:
    """Runs everything and prints the table."""
    if "OMP_NUM_THREADS" not in os.environ:
        # As `walkprint serve` does; the libraries read it when they are loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.bench_identify", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **threads})  # noqa: S606 (ourselves)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    quick = parser.parse_args().quick
    pairs, seconds, rounds = (20, 2.0, 1) if quick else (200, 6.0, 3)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="walkprint-bench-") as folder:
        data = Path(folder)
        probes = write_probes(data, _PROBES)
        settings = Settings(data=data, device="cpu", log_level="warning")
        _prepare(settings, console)
        environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
        starts = []
        for _ in range(3):
            with ServiceProcess(data, environment=environment) as service:
                starts.append(service.start_seconds)
        with ServiceProcess(data, environment=environment) as service:
            here = InProcess(settings.resolved_database_url, GALLERY, threads=encoder_threads())
            in_process, over_http = _latencies(service.port, here, probes, pairs)
            limits, outcomes, service_cpu = _throughputs(service, here, probes, seconds, rounds)
    _print_stages(console, in_process, over_http)
    _print_ratios(console, starts, in_process, over_http, limits, outcomes, service_cpu)


def _prepare(settings: Settings, console: Console) -> None:
    encoder = Encoder.load(device="cpu")
    registry = Registry.open(settings.resolved_database_url)
    registry.migrate()
    started = time.perf_counter()
    checkpoint_id = encoder.checkpoint.checkpoint_id
    fill_gallery(registry, checkpoint_id, templates=_TEMPLATES, size=encoder.embedding_size)
    registry.close()
    console.print(
        f"{_TEMPLATES:,} templates enrolled in {time.perf_counter() - started:.0f} s;"
        f" checkpoint {checkpoint_id}; {os.cpu_count()} cores"
    )


def _latencies(
    port: int, here: InProcess, probes: list[Path], pairs: int
) -> tuple[Latency, Latency]:
    """One request over HTTP, one call in process, and so on; the first ten of each warm up."""
    asker = Asker(port, GALLERY)
    bodies = [body_of(probe, GALLERY) for probe in probes]
    in_process = Latency([], {stage: [] for stage in STAGES})
    over_http = Latency([], {})
    warm_up = 10
    for turn in range(-warm_up, pairs):
        started = time.perf_counter()
        answer = asker.identify(bodies[turn % len(probes)])
        http_ms = 1000.0 * (time.perf_counter() - started)
        timed = here.identify(probes[turn % len(probes)])
        if turn < 0:
            continue
        over_http.total.append(http_ms)
        timing = answer["timing"]
        assert isinstance(timing, dict)
        for stage, milliseconds in timing.items():
            over_http.stages.setdefault(stage, []).append(float(milliseconds))
        in_process.total.append(sum(timed.milliseconds))
        for stage, milliseconds in zip(STAGES, timed.milliseconds, strict=True):
            in_process.stages[stage].append(milliseconds)
    asker.close()
    return in_process, over_http


def _throughputs(
    service: ServiceProcess, here: InProcess, probes: list[Path], seconds: float, rounds: int
) -> tuple[dict[str, list[Limit]], list[Outcome], float]:
    """In-process limits (walks per second by setting) and loads, in turns; CPU s of the service."""
    walks = tuple(str(probe) for probe in probes)
    plan = Plan(service.port, GALLERY, walks, clients=_CLIENTS, seconds=seconds)
    settings = [(threads, size) for threads in _CAPTURE_THREADS for size in _BATCH_SIZES]
    tried = {
        (threads, size): here.limit(
            probes, seconds=seconds / 3, threads=threads, batch_size=size
        ).walks_per_second
        for threads, size in settings
    }
    best = sorted(tried, key=lambda setting: -tried[setting])[:2]
    limits: dict[str, list[Limit]] = {}
    outcomes: list[Outcome] = []
    service_cpu = 0.0
    run_elsewhere(Plan(service.port, GALLERY, walks, clients=_CLIENTS, seconds=1.0))  # warms up
    for _ in range(rounds):
        before = cpu_seconds(service.pid)
        outcomes.append(run_elsewhere(plan))
        service_cpu += cpu_seconds(service.pid) - before
        for threads, size in best:
            limit = here.limit(probes, seconds=seconds, threads=threads, batch_size=size)
            limits.setdefault(f"{threads} threads, batches of {size}", []).append(limit)
    return limits, outcomes, service_cpu


def _print_stages(console: Console, in_process: Latency, over_http: Latency) -> None:
    table = Table(title="One client, median milliseconds", title_justify="left")
    for column in ("stage", "in process", "over HTTP"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    names = [*STAGES, *(name for name in over_http.stages if name not in STAGES)]
    for name in names:
        table.add_row(name, *(_median(side.stages.get(name)) for side in (in_process, over_http)))
    table.add_row("whole call", _median(in_process.total), _median(over_http.total))
    console.print(table)


def _print_ratios(
    console: Console,
    starts: list[float],
    in_process: Latency,
    over_http: Latency,
    limits: dict[str, list[Limit]],
    outcomes: list[Outcome],
    service_cpu: float,
) -> None:
    answered = sum(outcome.answered for outcome in outcomes)
    served = statistics.median(outcome.answered / outcome.seconds for outcome in outcomes)
    speeds = {
        name: statistics.median(each.walks_per_second for each in tries)
        for name, tries in limits.items()
    }
    setting = max(speeds, key=lambda name: speeds[name])
    limit = speeds[setting]
    limit_cpu = statistics.median(each.cpu_ms for each in limits[setting])
    table = Table(title="identify, 10,000 templates, 40-frame zip", title_justify="left")
    for column in ("figure", "in process", "over HTTP", "ratio", "must be"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, share in (("p50, one client, ms", 0.50), ("p95, one client, ms", 0.95)):
        here, there = _quantile(in_process.total, share), _quantile(over_http.total, share)
        bound = "≤ 1.30" if share == 0.5 else ""
        table.add_row(name, f"{here:.1f}", f"{there:.1f}", f"{there / here:.2f}", bound)
    table.add_row(
        f"walks per second, {_CLIENTS} clients",
        f"{limit:.1f}",
        f"{served:.1f}",
        f"{served / limit:.2f}",
        "≥ 0.80",
    )
    table.add_row("start to ready, s (worst of 3)", "", f"{max(starts):.1f}", "", "≤ 5.0")
    console.print(table)
    load_cpu = sum(outcome.cpu_seconds for outcome in outcomes)
    wall = sum(outcome.seconds for outcome in outcomes)
    milliseconds = [each for outcome in outcomes for each in outcome.milliseconds]
    console.print(
        f"In-process limit: {setting}. With {_CLIENTS} clients: p50"
        f" {_quantile(milliseconds, 0.5):.0f} ms, p95 {_quantile(milliseconds, 0.95):.0f} ms."
    )
    console.print(
        f"CPU per walk: in process {limit_cpu:.1f} ms,"
        f" service {1000 * service_cpu / answered:.1f} ms,"
        f" load generator {1000 * load_cpu / answered:.1f} ms"
        f" ({100 * load_cpu / wall:.0f} % of a core)."
    )


def _median(milliseconds: list[float] | None) -> str:
    return f"{statistics.median(milliseconds):.2f}" if milliseconds else ""


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


if __name__ == "__main__":
    main()
