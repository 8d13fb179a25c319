"""How jobs end, and who waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from dataclasses import dataclass

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a job: its result, or the problem document it failed with."""

    result: Json | None = None
    problem: Json | None = None


class Watchers:
    """Requests that wait for a job of this process; woken by the thread that ends the job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: defaultdict[str, list[asyncio.Future[Outcome | None]]] = defaultdict(list)
        self._earlier: set[str] = set()

    def watch(self, job_id: str, *, earlier: bool = False) -> asyncio.Future[Outcome | None]:
        """A future for the running event loop: the outcome, or None when the job left this process
        (erased with its subject, or taken over by another) and the registry has to be asked.

        Args:
            job_id: of a job that stands in the registry, or is about to.
            earlier: it was accepted by an earlier call, perhaps of another process.
        """
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._futures[job_id].append(future)
            if earlier:
                self._earlier.add(job_id)
        return future

    def forget(self, job_id: str, future: asyncio.Future[Outcome | None]) -> None:
        """Stops waiting."""
        with self._lock:
            if job_id in self._futures and future in self._futures[job_id]:
                self._futures[job_id].remove(future)
                if not self._futures[job_id]:
                    del self._futures[job_id]
                    self._earlier.discard(job_id)

    def earlier(self) -> set[str]:
        """Ids of the jobs of earlier calls that somebody waits for; all stand in the registry, or
        did. The id of a job that is just being accepted is not among them: whoever looks for it in
        the registry a moment too early would take it for one that was erased."""
        with self._lock:
            return set(self._earlier)

    def announce(self, job_id: str, outcome: Outcome | None) -> None:
        """Wakes everybody who waits for the job; called from any thread."""
        with self._lock:
            futures = self._futures.pop(job_id, [])
            self._earlier.discard(job_id)
        for future in futures:
            future.get_loop().call_soon_threadsafe(_settle, future, outcome)

    def announce_all_gone(self) -> None:
        """Wakes everybody with None: this process stops."""
        with self._lock:
            job_ids = list(self._futures)
        for job_id in job_ids:
            self.announce(job_id, None)


def _settle(future: asyncio.Future[Outcome | None], outcome: Outcome | None) -> None:
    if not future.done():
        future.set_result(outcome)
