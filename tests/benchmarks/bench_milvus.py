"""Vectors in a Milvus beside vectors in memory: what each costs, and what each misses.

    python -m tests.benchmarks.bench_milvus [--templates 20000] [--uri http://host:19530]

Without `--uri` the Milvus is Milvus Lite, in a process of its own on this machine: the engine
behind pymilvus for trying things out, written in Python. Its times say how it compares with FAISS
here; of a cluster they say nothing. What is measured: feeding from SQL, a whole search (SQL for the
revision, the search, SQL for the vectors of whoever is close), and how often the closest subject
and the five closest are those of a comparison with everybody; bytes on disk; what is left there of
somebody who was erased.

Shape letters: N templates, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.registry import Registry
from app.search import GallerySearch
from app.search.milvus import MilvusIndexes, Server
from app.search.milvus.collections import Collections
from app.search.milvus.connection import IndexKind
from tests.benchmarks.registry_filling import (
    CHECKPOINT,
    GALLERY,
    WALKS_PER_SUBJECT,
    centres_sd,
    fill,
    subject_of,
    template_blocks,
    walk_like,
)
from tests.milvus import milvus_server

_D = 256
_PROBES = 100
_KINDS: tuple[IndexKind, ...] = ("flat", "hnsw", "ivf_sq8")
_PREFIX = "walkprintbench"
_INDEXED_WITHIN_SECONDS = 300.0

console = Console(width=110)


@dataclass(frozen=True)
class Measured:
    """One way to search.

    Attributes:
        name: of it.
        started_seconds: until the first answer: everything read from SQL and taken in.
        search_ms: median of a whole search, by the clock.
        first_right: share of probes whose closest subject is that of comparing all.
        five_right: share of the five closest subjects that were found, over all probes.
        disk_bytes: of the Milvus; None where it is not on this machine.
    """

    name: str
    started_seconds: float
    search_ms: float
    first_right: float
    five_right: float
    disk_bytes: float | None


def true_ranking(probe_d: NDArray[np.float32], vectors_nd: NDArray[np.float32]) -> list[str]:
    """The five closest subjects by comparing everything, in this process, without any index."""
    scores_s = (vectors_nd @ probe_d).reshape(-1, WALKS_PER_SUBJECT).max(axis=1)
    return [f"s{1 + number:07d}" for number in np.argsort(-scores_s, kind="stable")[:5].tolist()]


def measure(
    name: str,
    search: GallerySearch,
    probes_kd: NDArray[np.float32],
    truth: Sequence[list[str]],
    folder: Path | None = None,
    settle: Callable[[], object] = lambda: None,
) -> Measured:
    """Starts a search, which reads everything, lets it settle, then asks it about every probe."""
    before = _size(folder)
    started = time.perf_counter()
    search.search(GALLERY, CHECKPOINT, probes_kd[:1], top_k=5)
    started_seconds = time.perf_counter() - started
    settle()
    taken, first, five = [], 0, 0
    for probe_d, expected in zip(probes_kd, truth, strict=True):
        started = time.perf_counter()
        found = search.search(GALLERY, CHECKPOINT, probe_d[None], top_k=5)
        taken.append(time.perf_counter() - started)
        subjects = [each.subject for each in found.candidates]
        first += subjects[0] == expected[0]
        five += len(set(subjects) & set(expected))
    return Measured(
        name,
        started_seconds,
        1000 * float(np.median(taken)),
        first / len(truth),
        five / (5 * len(truth)),
        None if folder is None else float(_size(folder) - before),
    )


def erasure(registry: Registry, collections: Collections, folder: Path) -> Iterator[str]:
    """Erases somebody and looks for their vector under the Milvus's folder, byte by byte."""
    (name,) = collections.names()
    collections.purge(name)
    stored = collections.fetch(name, np.array([1]))
    if stored is None:
        raise RuntimeError("the collection lacks its first template")
    needle = stored.vectors_nd[0].tobytes()[:16]
    yield f"before the erasure: {_files_with(folder, needle)} files hold the vector"
    registry.subjects.delete("s0000001", gallery=GALLERY)
    there = collections.fetch(name, np.array([1])) is not None
    said = "there" if there else "gone"
    yield f"acknowledged: entity {said}, {_files_with(folder, needle)} files"
    collections.purge(name)
    yield f"after flush and compact: {_files_with(folder, needle)} files"
    collections.drop(name)
    yield f"after the collection was dropped: {_files_with(folder, needle)} files"


def _files_with(folder: Path, needle: bytes) -> int:
    return sum(needle in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def _wait_for_indexes(folder: Path) -> None:
    """Milvus Lite builds them when it has time; until then it compares with everybody."""
    until = time.monotonic() + _INDEXED_WITHIN_SECONDS
    while not any(folder.rglob("*.idx")):
        if time.monotonic() > until:
            raise TimeoutError("no index was built")
        time.sleep(0.1)


def _size(folder: Path | None) -> int:
    if folder is None:
        return 0
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def _milvus(uri: str | None, folder: Path) -> Iterator[str]:
    if uri is not None:
        yield uri
        return
    with milvus_server(folder) as server:
        yield f"http://127.0.0.1:{server.port}"


def _show(rows: Sequence[Measured], templates: int) -> None:
    base = rows[0].search_ms
    table = Table("", "first answer", "search p50", "ratio", "closest", "five closest", "disk each")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.started_seconds:.2f} s",
            f"{row.search_ms:.2f} ms",
            f"{row.search_ms / base:.1f}",
            f"{row.first_right:.3f}",
            f"{row.five_right:.3f}",
            "" if row.disk_bytes is None else f"{row.disk_bytes / templates:.0f} B",
        )
    console.print(table)


def main() -> None:
    """Measures each kind of index over the same gallery."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--templates", type=int, default=20_000)
    parser.add_argument("--uri")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        url, folder = f"sqlite:///{scratch}/walkprint.db", Path(scratch) / "milvus"
        folder.mkdir()
        fill(url, chosen.templates, _D)
        vectors_nd = np.concatenate(list(template_blocks(chosen.templates, _D)))
        centres = centres_sd(subject_of(chosen.templates), _D)
        rng = np.random.default_rng(3)
        probes_kd = walk_like(centres[rng.integers(0, len(centres), _PROBES)], rng)
        truth = [true_ranking(probe_d, vectors_nd) for probe_d in probes_kd]
        on_disk = folder if chosen.uri is None else None
        console.print(f"{chosen.templates:,} templates of {_D} values, {_PROBES} probes")
        rows = []
        for approximate in (False, True):
            registry = Registry.open(url)
            search = GallerySearch(registry, approximate=approximate)
            name = "memory, approximate" if approximate else "memory, exact"
            rows.append(measure(name, search, probes_kd, truth))
            search.close()
            registry.close()
        with _milvus(chosen.uri, folder) as uri:
            for kind in _KINDS:
                registry = Registry.open(url)
                server = Server(uri, prefix=_PREFIX, kind=kind)
                search = GallerySearch(registry, indexes=MilvusIndexes(registry, server))
                collections = Collections(server)

                def settle(collections: Collections = collections) -> None:
                    for name in collections.names():  # segments are written, and indexes made
                        collections.purge(name)
                    if on_disk is not None:
                        _wait_for_indexes(on_disk)

                rows.append(measure(f"milvus, {kind}", search, probes_kd, truth, on_disk, settle))
                if kind == "flat" and on_disk is not None:
                    for said in erasure(registry, collections, on_disk):
                        console.print(said)
                    vectors_nd[:WALKS_PER_SUBJECT] = 0.0
                    truth = [true_ranking(probe_d, vectors_nd) for probe_d in probes_kd]
                for name in collections.names():
                    collections.drop(name)
                search.close()
                registry.close()
        _show(rows, chosen.templates)


if __name__ == "__main__":
    main()
