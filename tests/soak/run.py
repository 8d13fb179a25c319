"""100,000 mixed requests, and whether the memory stays flat: `make soak`.

    python -m tests.soak.run [--requests 100000]

Prints what was asked, how long it took, and the service's memory by quarters: the resident memory
of the process and its decoders, sampled all along. The last quarter may lie 2 % above the second.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from app.demo.service_process import ServiceProcess
from tests.decoders import children
from tests.soak.errands import ANNEX, Errands, Surprise

_CLIENTS = 4
_SAMPLE_SECONDS = 0.5
_MIB = 2.0**20
MOST_GROWTH = 0.02


@dataclass
class Soak:
    """What happened.

    Attributes:
        errands: how often each was run.
        surprises: answers that should not have been.
        requests: answered, of all errands.
        seconds: from the first to the last.
        memory: (requests answered, bytes resident) samples.
    """

    errands: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    memory: list[tuple[int, int]] = field(default_factory=list)

    def quarter(self, number: int) -> float:
        """Mean resident bytes in a quarter (1 to 4) of the requests.

        Raises:
            ValueError: nothing was sampled in it.
        """
        low, high = ((number - 1) * self.requests / 4, number * self.requests / 4)
        inside = [resident for done, resident in self.memory if low <= done <= high]
        if not inside:
            msg = f"no sample in quarter {number}"
            raise ValueError(msg)
        return statistics.fmean(inside)

    @property
    def growth(self) -> float:
        """Of the last quarter over the second."""
        return self.quarter(4) / self.quarter(2) - 1.0


def soak(service: ServiceProcess, requests: int) -> Soak:
    """Runs errands from several clients at once until that many requests were answered."""
    seen, lock, ended = Soak(), threading.Lock(), threading.Event()

    def count(_: httpx.Response) -> None:
        with lock:
            seen.requests += 1

    def run(client: int) -> None:
        rng = random.Random(client)  # noqa: S311 - a seed, so that a failure can be seen again
        hooks = {"response": [count]}
        with httpx.Client(base_url=service.url, timeout=120.0, event_hooks=hooks) as http:
            errands = Errands(http, client, rng)
            while seen.requests < requests and not seen.surprises:
                try:
                    name = errands.run_one()
                except (Surprise, httpx.HTTPError) as wrong:
                    seen.surprises.append(f"{type(wrong).__name__}: {wrong}")
                    return
                with lock:
                    seen.errands[name] += 1

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            seen.memory.append((seen.requests, resident_bytes(service.pid)))

    httpx.post(f"{service.url}/galleries", json={"name": ANNEX}).raise_for_status()
    begun = time.perf_counter()
    clients = [threading.Thread(target=run, args=(number,)) for number in range(_CLIENTS)]
    sampler = threading.Thread(target=sample)
    for thread in (*clients, sampler):
        thread.start()
    for client in clients:
        client.join()
    seen.seconds = time.perf_counter() - begun
    ended.set()
    sampler.join()
    return seen


def resident_bytes(pid: int) -> int:
    """Of a process and its descendants, in bytes; pages that they share count once for each."""
    pages = 0
    with suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        pages += sum(resident_bytes(child) // 4096 for child in children(pid))
    return pages * 4096


def main() -> None:
    """Soaks and prints; ends with 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    asked = parser.parse_args()
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
    with (
        tempfile.TemporaryDirectory() as folder,
        ServiceProcess(Path(folder), environment=environment) as service,
    ):
        seen = soak(service, asked.requests)
        log = service.log_path.read_text(errors="replace")
    console = Console()
    table = Table("errand", "times", title=f"{seen.requests:,} requests in {seen.seconds:.0f} s")
    for name, times in seen.errands.most_common():
        table.add_row(name, f"{times:,}")
    console.print(table)
    console.print(f"errors: {len(seen.surprises)}; lines in the log: {len(log.splitlines())}")
    for line in (*seen.surprises, *log.splitlines()[-40:]):
        console.print(line, markup=False)
    if seen.surprises:
        sys.exit(1)
    for number in range(1, 5):
        console.print(f"quarter {number}: {seen.quarter(number) / _MIB:.0f} MiB resident")
    console.print(f"last quarter over the second: {seen.growth:+.1%} (at most {MOST_GROWTH:+.0%})")
    if seen.growth > MOST_GROWTH:
        sys.exit(1)


if __name__ == "__main__":
    main()
