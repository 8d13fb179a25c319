"""What traces cost: the same identifications by a service that tells a collector and one that does
not.

    python -m tests.benchmarks.bench_traces

Both run at once and take turns call by call, so that the differences hold whatever else this
machine does. The collector is a part of this process, not of the services'.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from app.demo.service_process import ServiceProcess
from tests.benchmarks.cpu_time import cpu_seconds
from tests.collector import Collector, collector
from tests.walks import walk_zip

_WARM_UP_CALLS = 5


@dataclass
class Side:
    """One service and what its calls took since `begin`."""

    service: ServiceProcess
    http: httpx.Client
    milliseconds: list[float] = field(default_factory=list)
    cpu_began: float = 0.0

    def begin(self) -> None:
        """Forgets the calls so far."""
        self.milliseconds.clear()
        self.cpu_began = cpu_seconds(self.service.pid)

    def identify(self, media: bytes) -> None:
        """Asks once; notes how long that took."""
        began = time.perf_counter()
        answer = self.http.post("/identify", files={"walk": ("walk.zip", media)})
        self.milliseconds.append(1000 * (time.perf_counter() - began))
        answer.raise_for_status()

    @property
    def cpu_milliseconds(self) -> float:
        """Of the service, for each call; what it does by itself once a second is in it."""
        used = cpu_seconds(self.service.pid) - self.cpu_began
        return 1000 * used / len(self.milliseconds)

    @property
    def percentiles(self) -> tuple[float, float]:
        """Of the milliseconds: the median and the 95th."""
        twentieths = statistics.quantiles(self.milliseconds, n=20)
        return statistics.median(self.milliseconds), twentieths[-1]


def measure(calls: int, folder: Path) -> tuple[Table, Collector]:
    """A row for each way to trace, after as many calls each."""
    table = Table(title=f"{calls} identifications in turns; load {os.getloadavg()[0]:.1f}")
    for head in ("traces", "median, ms", "95 %, ms", "CPU of the service, ms"):
        table.add_column(head, justify="right")
    with ExitStack() as stack:
        collected = stack.enter_context(collector())
        every = {"WALKPRINT_TRACES": collected.url}
        sides = {
            "off": _open(stack, folder / "off", {}),
            "1 in 100": _open(stack, folder / "few", every | {"WALKPRINT_TRACES_RATIO": "0.01"}),
            "all": _open(stack, folder / "all", every),
        }
        media = walk_zip(1, walk=2)
        for turn in range(-_WARM_UP_CALLS, calls):
            for side in sides.values():
                if turn == 0:
                    side.begin()
                side.identify(media)
        for name, side in sides.items():
            median, late = side.percentiles
            table.add_row(name, f"{median:.1f}", f"{late:.1f}", f"{side.cpu_milliseconds:.1f}")
    return table, collected


def _open(stack: ExitStack, data: Path, environment: dict[str, str]) -> Side:
    settings = environment | {"WALKPRINT_WORKERS": "1"}
    service = stack.enter_context(ServiceProcess(data, environment=settings))
    http = stack.enter_context(httpx.Client(base_url=service.url, timeout=300.0))
    files = {"walk": ("walk.zip", walk_zip(1, walk=1))}
    http.post("/enroll", data={"subject": "p1"}, files=files).raise_for_status()
    return Side(service, http)


def main() -> None:
    """Measures and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="identifications of each service")
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        table, collected = measure(calls, Path(folder))
    console = Console()
    console.print(table)
    size = sum(map(len, collected.bodies))
    spans = len(collected.spans)
    console.print(f"{spans} spans, {size / max(spans, 1):.0f} bytes each")


if __name__ == "__main__":
    main()
