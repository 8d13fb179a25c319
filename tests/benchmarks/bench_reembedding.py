"""How fast stored walks pass a new checkpoint, and what identifications notice of it.

    python -m tests.benchmarks.bench_reembedding --walks 2000

One caller identifies, one walk after another: before the re-embedding, during it, and after the
switch; in between the walks pass with nobody calling. All in one run, so that the ratios hold
whatever else this machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from app.client import Client
from app.demo.service_process import ServiceProcess
from app.registry import Enrollment, NewJob, NewWalk, Registry
from app.worker.checkpoint_files import read_new_checkpoint, shipped_checkpoint
from tests.benchmarks.gallery import GALLERY, write_probes
from tests.other_checkpoints import checkpoint_file, shipped_id

_WALKS_PER_SUBJECT = 5
_CALLS = 100
_WARM_UP_CALLS = 10


def fill(registry: Registry, walks: int) -> None:
    """Enrols random vectors with pictures that can be embedded; random ones pack worst."""
    rng = np.random.default_rng(1)
    for number in range(walks // _WALKS_PER_SUBJECT):
        new_job = NewJob("enroll", GALLERY, f"s{number:05d}", {}, ())
        registry.jobs.add(new_job)
        job = registry.jobs.claim(new_job.id, owner="bench", lease_seconds=60.0)
        if job is None:
            raise RuntimeError("the job was taken by somebody else")
        vectors_nd = rng.standard_normal((_WALKS_PER_SUBJECT, 256), dtype=np.float32)
        vectors_nd /= np.linalg.norm(vectors_nd, axis=1, keepdims=True)
        new_walks = tuple(
            NewWalk(
                gei_png=cv2.imencode(".png", rng.integers(0, 256, (64, 44), np.uint8))[1].tobytes(),
                quality={},
                source="bench",
                vector_d=vector_d,
            )
            for vector_d in vectors_nd
        )
        enrollment = Enrollment(None, {}, shipped_id(), new_walks)
        registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})


def latencies_ms(client: Client, probes: list[Path], calls: int) -> list[float]:
    """Of identifications, one after another."""
    measured = []
    for number in range(calls):
        begun = time.perf_counter()
        client.identify(probes[number % len(probes)], gallery=GALLERY)
        measured.append(1000.0 * (time.perf_counter() - begun))
    return measured


def wait_for_end(client: Client, checkpoint: str) -> float:
    """Walks per second until it has ended, from its first progress on."""
    state = client.checkpoints.reembedding(checkpoint)
    while state.done == 0:
        time.sleep(0.05)
        state = client.checkpoints.reembedding(checkpoint)
    begun, first = time.perf_counter(), state.done
    while not state.is_finished:
        time.sleep(0.05)
        state = client.checkpoints.reembedding(checkpoint)
    return (state.done - first) / (time.perf_counter() - begun)


def main() -> None:
    """Prints one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--walks", type=int, default=2000)
    walks: int = options.parse_args().walks
    new = read_new_checkpoint(checkpoint_file(), "new")
    table = Table(title=f"{walks} stored walks, one caller")
    for column in ("", "walks/s", "p50 ms", "p95 ms"):
        table.add_column(column, justify="right" if column else "left")

    def add_row(name: str, rate: float | None, measured_ms: list[float]) -> None:
        shown = [f"{np.percentile(measured_ms, share):.1f}" for share in (50, 95) if measured_ms]
        table.add_row(name, "" if rate is None else f"{rate:.0f}", *shown)

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        registry = Registry.open(f"sqlite:///{data / 'walkprint.db'}")
        registry.migrate()
        registry.checkpoints.settle(shipped_checkpoint(), None)
        registry.checkpoints.install(new)
        fill(registry, walks)
        registry.close()
        probes = write_probes(data, 4)
        environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
        with (
            ServiceProcess(data, environment=environment) as service,
            Client(service.url) as client,
        ):
            latencies_ms(client, probes, _WARM_UP_CALLS)
            add_row("nothing in the background", None, latencies_ms(client, probes, _CALLS))
            client.checkpoints.activate(new.id)
            before = client.checkpoints.reembedding(new.id)
            while before.done == 0:
                time.sleep(0.05)
                before = client.checkpoints.reembedding(new.id)
            begun = time.perf_counter()
            measured_ms = latencies_ms(client, probes, _CALLS)
            after = client.checkpoints.reembedding(new.id)
            rate = (after.done - before.done) / (time.perf_counter() - begun)
            add_row(f"walks pass ({after.state} at the last call)", rate, measured_ms)
            add_row("walks pass, nobody calls", wait_for_end(client, new.id), [])
            first_ms = latencies_ms(client, probes, 1)
            add_row("first call after the switch", None, first_ms)
            add_row("after the switch", None, latencies_ms(client, probes, _CALLS))
    Console().print(table)


if __name__ == "__main__":
    main()
