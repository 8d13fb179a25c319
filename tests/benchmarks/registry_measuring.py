"""What is measured of a large index, each in a process of its own that holds nothing else.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

import logging
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import structlog
from numpy.typing import NDArray

from app.registry import Registry
from app.registry.template_stream import TemplateBlock
from app.registry.templates import TemplateChanges
from app.search import GallerySearch, Snapshots
from app.search.index import TemplateIndex
from app.search.view import Layout, View
from tests.benchmarks.registry_filling import CHECKPOINT, GALLERY, centres_sd, walk_like
from tests.benchmarks.timing import interleaved_milliseconds
from tests.enrolling import enroll

_PROBES = 100
_TOP_K = 5
_ENROLMENTS = 100
_CHURN_PER_SECOND = 20.0
_REMOVED_SHARE = 0.3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Start:
    """A process that answers its first search.

    Attributes:
        seconds: on the clock.
        cpu_seconds: of this process, besides what the database server took.
        held_bytes: by how much the process has grown.
        peak_bytes: by how much it had at most.
    """

    seconds: float
    cpu_seconds: float
    held_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Searching:
    """Median CPU milliseconds of one search, and what they could be at best.

    Attributes:
        limit: the stored vectors, read once at the speed of this machine's memory.
        bare: FAISS's own index of the same kind, over the same vectors.
        index: `TemplateIndex.search`: subjects, their best templates, cohort.
        whole: `GallerySearch.search`, with its questions to SQL.
        templates_ms: CPU milliseconds per enrolment and per erasure of one walk, to apply it.
    """

    limit: float
    bare: float
    index: float
    whole: float
    templates_ms: tuple[float, float]


@dataclass(frozen=True)
class Churning:
    """An index that changes while it is searched.

    Attributes:
        alone: p50 and p95 of a search on the clock, in milliseconds, with nothing beside it.
        beside: the same while templates come and go.
        remove_ms: CPU milliseconds per template of removing many, gaps closed.
    """

    alone: tuple[float, float]
    beside: tuple[float, float]
    remove_ms: float


@dataclass(frozen=True)
class Approximating:
    """An approximate index beside an exact one.

    Attributes:
        exact: median CPU milliseconds of a search.
        approximate: the same.
        first: share of probes whose best subject is the same.
        five: share of the five best subjects that are found.
        build_cpu_seconds: of making the finders.
    """

    exact: float
    approximate: float
    first: float
    five: float
    build_cpu_seconds: float


def start(url: str, snapshots: Path | None) -> Start:
    """Starts a search and answers the first one; leaves a snapshot where a folder is named."""
    _quiet()
    registry = Registry.open(url)
    probe_kd = _probes(registry, 1)[0]
    # What the probes took is not the start's: its peak is counted from here (proc(5)).
    Path("/proc/self/clear_refs").write_text("5")
    before, began, cpu = _resident_bytes(), time.perf_counter(), time.process_time()
    search = GallerySearch(
        registry, snapshots=Snapshots(snapshots, registry) if snapshots else None
    )
    search.search(GALLERY, CHECKPOINT, probe_kd, top_k=_TOP_K)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    held = _resident_bytes() - before
    peak = _peak_bytes() - before
    search.close()
    registry.close()
    return Start(seconds, cpu_seconds, held, peak)


def searching(url: str, snapshots: Path) -> Searching:
    """One search at a time, each kind in turn, and what one enrolment costs."""
    _quiet()
    registry = Registry.open(url)
    view = _load(registry, snapshots)
    index = TemplateIndex(view=view)
    search = GallerySearch(registry, snapshots=Snapshots(snapshots, registry))
    bare = _bare_of(view)
    probes = _probes(registry, _PROBES)
    search.search(GALLERY, CHECKPOINT, probes[0], top_k=_TOP_K)
    calls: dict[str, Callable[[NDArray[np.float32]], object]] = {
        "limit": lambda _: _read_once(view),
        "bare": lambda probe_kd: bare.search(probe_kd, _TOP_K),
        "index": lambda probe_kd: index.search(probe_kd, _TOP_K),
        "whole": lambda probe_kd: search.search(GALLERY, CHECKPOINT, probe_kd, top_k=_TOP_K),
    }
    taken = _medians(calls, probes)
    search.close()
    changing = GallerySearch(registry)  # without snapshots: their writing is a matter of its own
    changing.search(GALLERY, CHECKPOINT, probes[0], top_k=_TOP_K)
    applied = _applying(registry, changing, probes)
    changing.close()
    registry.close()
    return Searching(
        taken["limit"], taken["bare"], taken["index"], taken["whole"], templates_ms=applied
    )


def churning(url: str, snapshots: Path) -> Churning:
    """Searches on the clock, in turns alone and beside changes; then a large removal."""
    _quiet()
    registry = Registry.open(url)
    index = TemplateIndex(view=_load(registry, snapshots))
    probes = _probes(registry, _PROBES)
    registry.close()
    with index.reading() as view:
        newest = int(max(held.chunk.templates_n[held.size - 1] for held in view.chunks))
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(4):
        alone += _clocked(index, probes[: _PROBES // 4])
        done = threading.Event()
        churn = threading.Thread(target=_churn, args=(index, newest, probes[0], done))
        churn.start()
        beside += _clocked(index, probes[: _PROBES // 4])
        done.set()
        churn.join()
        newest += 1_000_000
    number = int(len(index) * _REMOVED_SHARE)
    removed_n = np.random.default_rng(3).permutation(newest - 4_000_000)[:number] + 1
    began = time.process_time()
    index.apply(_changes(index, removed_n=removed_n))
    while index.tidy():
        pass
    remove_ms = 1000 * (time.process_time() - began) / number
    return Churning(_p50_p95(alone), _p50_p95(beside), remove_ms)


def approximating(url: str, snapshots: Path) -> Approximating:
    """The same probes to an exact and an approximate index."""
    _quiet()
    registry = Registry.open(url)
    exact = TemplateIndex(view=_load(registry, snapshots))
    approximate = TemplateIndex(approximate=True, view=_load(registry, snapshots))
    began = time.process_time()
    while approximate.tidy():
        pass
    build = time.process_time() - began
    probes = _probes(registry, 2 * _PROBES)
    registry.close()
    taken = _medians(
        {
            name: partial(_search_five, index)
            for name, index in (("exact", exact), ("approximate", approximate))
        },
        probes,
    )
    both = [[_five(index, probe_kd) for index in (exact, approximate)] for probe_kd in probes]
    return Approximating(
        exact=taken["exact"],
        approximate=taken["approximate"],
        first=statistics.fmean(wanted[:1] == found[:1] for wanted, found in both),
        five=statistics.fmean(
            len(set(wanted) & set(found)) / len(wanted) for wanted, found in both
        ),
        build_cpu_seconds=build,
    )


def _applying(
    registry: Registry, search: GallerySearch, probes: list[NDArray[np.float32]]
) -> tuple[float, float]:
    """CPU milliseconds per enrolment and per erasure until the index has it, upkeep included."""
    added = removed = 0.0
    for number in range(_ENROLMENTS):
        subject = f"churn-{number}"
        vector_d = probes[number % len(probes)][0]
        enroll(registry, subject, [vector_d], gallery=GALLERY, checkpoint_id=CHECKPOINT)
        began = time.process_time()
        search.refresh()
        added += time.process_time() - began
    for number in range(_ENROLMENTS):
        registry.subjects.delete(f"churn-{number}", gallery=GALLERY)
        began = time.process_time()
        search.refresh()
        removed += time.process_time() - began
    return 1000 * added / _ENROLMENTS, 1000 * removed / _ENROLMENTS


def _churn(
    index: TemplateIndex, newest: int, vector_kd: NDArray[np.float32], done: threading.Event
) -> None:
    """Adds one template and removes the one before, so and so often a second."""
    number = 0
    while not done.wait(1 / _CHURN_PER_SECOND):
        number += 1
        block = TemplateBlock(np.array([newest + number]), np.array([1 + number % 1000]), vector_kd)
        index.apply(_changes(index, removed_n=np.array([newest + number - 1]), block=block))
        index.tidy()


def _changes(
    index: TemplateIndex, *, removed_n: NDArray[np.int64], block: TemplateBlock | None = None
) -> TemplateChanges:
    since = index.revision
    added = iter([] if block is None else [block])
    return TemplateChanges(since, since + 1, None, removed_n, added)


def _load(registry: Registry, snapshots: Path) -> View:
    gallery_id = registry.galleries.get(GALLERY).id
    view = Snapshots(snapshots, registry).load(gallery_id, CHECKPOINT, epoch=registry.epoch())
    if view is None:
        raise RuntimeError("the snapshot of an earlier start is gone")
    return view


def _bare_of(view: View) -> Any:
    dimensions = len(view.sum_d)
    index = (
        faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        if view.templates >= Layout().half_from
        else faiss.IndexFlatIP(dimensions)
    )
    for held in view.chunks:
        index.add(held.living_templates()[1])
    return index


def _read_once(view: View) -> int:
    """Touches every byte of the vectors: as fast as memory gives them."""
    return max(
        int(held.chunk.vectors_nd[: held.size].reshape(-1).view(np.uint64).max())
        for held in view.chunks
    )


def _probes(registry: Registry, number: int) -> list[NDArray[np.float32]]:
    """(1, D) each: new walks of people in the gallery."""
    subjects = registry.galleries.get(GALLERY).subjects
    size = len(registry.templates.of_subject("s0000001", GALLERY, CHECKPOINT).vectors_nd[0])
    centres = centres_sd(subjects, size)
    rng = np.random.default_rng(4)
    return list(walk_like(centres[rng.integers(0, subjects, number)], rng)[:, None])


def _medians(
    calls: dict[str, Callable[[NDArray[np.float32]], object]], probes: list[NDArray[np.float32]]
) -> dict[str, float]:
    faiss.omp_set_num_threads(1)
    turns = {name: cycle(probes) for name in calls}
    return interleaved_milliseconds(
        {name: lambda name=name: calls[name](next(turns[name])) for name in calls},  # type: ignore[misc]
        len(probes),
        time.thread_time,
    )


def _clocked(index: TemplateIndex, probes: list[NDArray[np.float32]]) -> list[float]:
    taken = []
    for probe_kd in probes:
        began = time.perf_counter()
        index.search(probe_kd, _TOP_K)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _search_five(index: TemplateIndex, probe_kd: NDArray[np.float32]) -> object:
    return index.search(probe_kd, _TOP_K)


def _five(index: TemplateIndex, probe_kd: NDArray[np.float32]) -> list[int]:
    return [hit.subject_id for hit in index.search(probe_kd, _TOP_K).hits]


def _p50_p95(milliseconds: list[float]) -> tuple[float, float]:
    return float(np.quantile(milliseconds, 0.5)), float(np.quantile(milliseconds, 0.95))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
