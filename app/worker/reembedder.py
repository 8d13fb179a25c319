"""Stored walks pass a new checkpoint, in the background of whichever process has the lease.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import groupby
from time import perf_counter

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from app import failpoints
from app.errors import InternalError, Problem
from app.outages import Outage
from app.registry import LeaseLost, Reembedding, Registry, StoredGei
from app.registry.unembedded import NOT_READABLE, OTHER_SIZE, GeiSize
from app.worker.recognisers import Recogniser, Recognisers

# Seconds between looks for something to do.
_EVERY_SECONDS = 1.0
# Walks read and stored at once: what a killed process has embedded for nothing, at most.
_AT_ONCE = 64
# GEIs in one forward pass: larger ones gain nothing on a CPU.
_BATCH = 8
# While jobs are in hand: fewer at a time, and rests of so many times the work between them
# (tests/benchmarks/bench_reembedding.py).
_BUSY_BATCH = 2
_REST = 9.0
_MOST_FAILURES = 5

_log = structlog.get_logger(__name__)


class Reembedder:
    """One thread that embeds while others wait for nothing.

    Args:
        registry: says what is to be done.
        recognisers: the checkpoints.
        owner: the id of this process's instance.
        lease_seconds: after which another process takes over from a silent one.
    """

    def __init__(
        self, registry: Registry, recognisers: Recognisers, *, owner: str, lease_seconds: float
    ) -> None:
        self._registry = registry
        self._recognisers = recognisers
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._failures = 0
        self._renewed = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reembedder", daemon=True)

    def start(self) -> None:
        """Begins to look for work, every second."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread after the walks in hand; another process may go on at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._registry.reembeddings.release_owner(self._owner)

    def work(self) -> None:
        """Does what there is to do, until it is done, taken away or the process stops."""
        claimed = self._registry.reembeddings.claim(self._owner, lease_seconds=self._lease_seconds)
        if claimed is None:
            return
        self._renewed = perf_counter()
        try:
            with self._recognisers.use((claimed.checkpoint_id,)) as (by,):
                self._embed_all(claimed, by)
            self._failures = 0
        except LeaseLost:
            _log.info("re-embedding was paused, cancelled or taken over", reembedding=claimed.id)
        except Outage:
            raise  # of the surroundings, not of the checkpoint: it goes on afterwards
        except Problem as problem:
            self._registry.reembeddings.fail(claimed.id, self._owner, problem.to_json())
        except Exception:
            self._failures += 1
            if self._failures < _MOST_FAILURES:
                raise
            fault = InternalError()
            _log.exception("re-embedding given up", support_id=fault.support_id)
            self._registry.reembeddings.fail(claimed.id, self._owner, fault.to_json())

    def _embed_all(self, claimed: Reembedding, by: Recogniser) -> None:
        done = False
        while not done:
            after: str | None = ""
            while after is not None:
                found, after = self._registry.reembeddings.next_walks(
                    claimed.checkpoint_id, after=after, most=_AT_ONCE
                )
                self._embed(claimed, by, found)
                if self._stop.is_set():
                    return
            done = self._registry.switching.finish(claimed.id, self._owner)

    def _embed(self, claimed: Reembedding, by: Recogniser, found: Iterable[StoredGei]) -> None:
        ordered = sorted(found, key=lambda walk: walk.gallery_id)
        for gallery_id, walks in groupby(ordered, key=lambda walk: walk.gallery_id):
            geis: dict[str, NDArray[np.uint8]] = {}
            refusals: dict[str, str] = {}
            for walk in walks:
                gei = stored_gei(walk.png, GeiSize(by.gei.height, by.gei.width))
                if isinstance(gei, str):
                    refusals[walk.walk_id] = gei
                else:
                    geis[walk.walk_id] = gei
            vectors = self._encode(by, list(geis.values()))
            failpoints.reach(failpoints.MID_REEMBEDDING)
            self._registry.reembeddings.store(
                claimed,
                self._owner,
                gallery_id,
                dict(zip(geis, vectors, strict=True)),
                refusals,
                lease_seconds=self._lease_seconds,
            )

    def _encode(
        self, by: Recogniser, geis_nhw: list[NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        vectors: list[NDArray[np.float32]] = []
        while len(vectors) < len(geis_nhw):
            size = _BUSY_BATCH if self._recognisers.is_busy else _BATCH
            begun = perf_counter()
            vectors.extend(by.encode(np.stack(geis_nhw[len(vectors) : len(vectors) + size])))
            if self._recognisers.is_busy:
                self._stop.wait((perf_counter() - begun) * _REST)
            self._keep_lease()
        return vectors

    def _keep_lease(self) -> None:
        """Renews it between two batches: under load the walks in hand may take longer than it."""
        if perf_counter() - self._renewed < self._lease_seconds / 3:
            return
        kept = self._registry.reembeddings.claim(self._owner, lease_seconds=self._lease_seconds)
        if kept is None:
            raise LeaseLost
        self._renewed = perf_counter()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                self.work()
            except Outage as outage:  # asked again in a second; the sweep says it aloud
                _log.debug("re-embedding waits", reason=outage.detail)
            except Exception:
                _log.exception("re-embedding was interrupted")


def stored_gei(png: bytes, size: GeiSize) -> NDArray[np.uint8] | str:
    """The image of a stored walk, uint8 (H, W); or the reason why it cannot be embedded.

    Args:
        png: as stored.
        size: that the checkpoint takes.
    """
    if not png.startswith(b"\x89PNG"):
        return NOT_READABLE
    if png[16:24] != size.png_header:
        return OTHER_SIZE
    image_hw = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image_hw is None or image_hw.shape != (size.height, size.width):
        return NOT_READABLE
    return image_hw.astype(np.uint8, copy=False)
