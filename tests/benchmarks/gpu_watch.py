"""What a GPU was doing while something ran, as its driver tells it."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_EVERY_SECONDS = 0.2
_FIELDS = "utilization.gpu,memory.used"


@dataclass(slots=True)
class GpuWatch:
    """Samples of the first GPU; none where there is no driver.

    Attributes:
        busy_percent: share of the time before each sample in which a kernel ran, 0 to 100.
        memory_mib: in use, by everybody, at each sample.
    """

    busy_percent: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Takes one line as nvidia-smi prints it: `87, 1424`."""
        busy, memory = (float(figure) for figure in line.split(","))
        self.busy_percent.append(busy)
        self.memory_mib.append(memory)

    def __str__(self) -> str:
        """Median utilisation and most memory."""
        if not self.busy_percent:
            return "not measured"
        return f"{statistics.median(self.busy_percent):.0f} %, {max(self.memory_mib):.0f} MiB"


@contextmanager
def watched_gpu(device: str) -> Iterator[GpuWatch]:
    """Samples while the block runs, five times a second."""
    watch = GpuWatch()
    program = shutil.which("nvidia-smi")
    if device != "cuda" or program is None:
        yield watch
        return
    over = threading.Event()
    query = [program, f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits", "--id=0"]

    def sample() -> None:
        while not over.wait(_EVERY_SECONDS):
            watch.add(subprocess.run(query, check=True, capture_output=True, text=True).stdout)  # noqa: S603 (the driver's own)

    sampling = threading.Thread(target=sample, name="gpu watch", daemon=True)
    sampling.start()
    try:
        yield watch
    finally:
        over.set()
        sampling.join()
