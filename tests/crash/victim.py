"""A process of the service without its network, to be killed: `python -m tests.crash.victim`.

One child is forked for each line on standard input (a plan as JSON), so that a trial costs
milliseconds and not the start of an interpreter. What it does is real: uploads on disk, jobs with
leases, the queue's threads, the sweep, transactions, the index and its snapshots. Only what a walk
embeds to is made up (tests/enrolling.py), for the network has no state to lose.

Every deed is written to a ledger before it is asked for and after it was acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app import failpoints
from app.registry import Enrollment, Home, Job, NewJob, Registry
from app.registry.signing import open_signer
from app.search import GallerySearch
from app.search.snapshots import Snapshots
from app.telemetry import Metrics
from app.worker.instance import Instance
from app.worker.job_threads import JobThreads
from app.worker.outcomes import Json, Watchers
from app.worker.storage import UploadStorage
from app.worker.sweep import Sweep
from tests.decoders import wait_until
from tests.enrolling import CHECKPOINT, new_walk, unit_vector

GALLERIES = ("lobby", "garage")
_DEEDS = 14
_LEASE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial.

    Attributes:
        database_url: migrated.
        data: the data folder.
        ledger: where the deeds are written down.
        trial: names the subjects, and seeds what is done.
        failpoint: where the process dies; "" where it is to live.
        visits: of the failpoint, until it dies.
    """

    database_url: str
    data: str
    ledger: str
    trial: int
    failpoint: str
    visits: int

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"


class Victim:
    """The parts of one service process, over a data folder that its forerunners left."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        signer = open_signer(Path(plan.data) / "signing.key")
        self.registry = Registry.open(plan.database_url, signer=signer)
        self.instance = Instance.enter(Path(plan.data) / "instances")
        self.storage = UploadStorage(Path(plan.data) / "uploads", self.instance.id)
        metrics = Metrics()
        self.queue = JobThreads(
            self.registry,
            self.storage,
            owner=self.instance.id,
            lease_seconds=_LEASE_SECONDS,
            threads=2,
            metrics=metrics,
            announce=Watchers().announce,
        )
        self.sweep = Sweep(
            registry=self.registry,
            instance=self.instance,
            storage=self.storage,
            queue=self.queue,
            lease_seconds=_LEASE_SECONDS,
            keep_jobs=timedelta(hours=1),
            metrics=metrics,
        )
        snapshots = Snapshots(Path(plan.data) / "snapshots", self.registry, least_templates=1)
        self.search = GallerySearch(self.registry, snapshots=snapshots)
        self._ledger = os.open(plan.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def finish_what_was_left(self) -> None:
        """Takes over the jobs of the dead, as every process does that starts."""
        self.queue.start(self.embed)
        self.sweep.look()
        wait_until(lambda: self.queue.depth == 0, "idle")
        self.sweep.look()
        self.search.refresh()  # as the sweep does once recognition is loaded

    def live(self) -> None:
        """Does this and that, until it is killed or done."""
        rng = random.Random(self._plan.trial)  # noqa: S311 - a seed: a failure can be seen again
        alive: list[tuple[str, str]] = []
        for number in range(_DEEDS):
            subject = f"t{self._plan.trial}-{number}"
            deed = rng.choice(("enrol", "enrol", "erase", "move", "merge", "search", "save"))
            if deed == "enrol" or len(alive) < 2:
                self._enrol(alive, rng.choice(GALLERIES), subject)
            elif deed == "erase":
                self._erase(alive, rng)
            elif deed == "move":
                self._move(alive, rng)
            elif deed == "merge":
                self._merge(alive, rng)
            elif deed == "search":
                gallery, known = rng.choice(alive)
                self.search.search(gallery, CHECKPOINT, vector_of(known)[None], top_k=3)
            else:
                self.search.close()
                snapshots = Path(self._plan.data) / "snapshots"
                self.search = GallerySearch(
                    self.registry, snapshots=Snapshots(snapshots, self.registry, least_templates=1)
                )

    def leave(self) -> None:
        """Ends as a service does that is told to stop."""
        self.queue.close(20.0)
        self.search.close()
        self.storage.close(set(self.registry.jobs.referenced_uploads()))
        self.instance.leave()
        self.registry.close()
        os.close(self._ledger)

    def embed(self, job: Job, _waited_ms: float) -> Json:
        """The work of an enrolment: its upload is read, its walk enrolled."""
        (upload,) = job.uploads[0]
        with self.storage.fetched([upload]) as (path,):
            subject = path.read_text()
        enrollment = Enrollment(None, {}, CHECKPOINT, (new_walk(vector_of(subject)),))
        self.registry.enrollments.record(
            job.id, job.attempt, enrollment, lambda enrolled: {"subject": enrolled.subject}
        )
        return {}

    def _enrol(self, alive: list[tuple[str, str]], gallery: str, subject: str) -> None:
        self._write("asked", "enrol", gallery, subject)
        upload = self.storage.begin()
        upload.write(subject.encode())
        upload.close()
        job = NewJob("enroll", gallery, subject, {}, ((upload.name,),))
        home = Home(self.instance.id, timedelta(seconds=_LEASE_SECONDS))
        added = self.registry.jobs.add(job, home=home).job
        self.storage.hand_over([upload.name])
        self._write("accepted", "enrol", gallery, subject)
        self.queue.put(added)
        wait_until(lambda: self.registry.jobs.get(job.id).state == "succeeded", "enrolled")
        self._write("done", "enrol", gallery, subject)
        alive.append((gallery, subject))

    def _erase(self, alive: list[tuple[str, str]], rng: random.Random) -> None:
        gallery, subject = alive.pop(rng.randrange(len(alive)))
        self._write("asked", "erase", gallery, subject)
        erased = self.registry.subjects.delete(subject, gallery=gallery)
        self.storage.discard(erased.uploads)
        self.search.refresh()
        self._write("done", "erase", gallery, subject)

    def _move(self, alive: list[tuple[str, str]], rng: random.Random) -> None:
        place = rng.randrange(len(alive))
        gallery, subject = alive[place]
        other = GALLERIES[1 - GALLERIES.index(gallery)]
        self.registry.galleries.ensure(other)
        self._write("asked", "move", other, subject)
        self.registry.transfers.move(subject, other, gallery=gallery)
        self._write("done", "move", other, subject)
        alive[place] = (other, subject)

    def _merge(self, alive: list[tuple[str, str]], rng: random.Random) -> None:
        gallery, subject = alive.pop(rng.randrange(len(alive)))
        into_gallery, into = rng.choice(alive)
        self._write("asked", "merge", into, subject)
        self.registry.merges.merge(
            subject,
            into,
            undo_within=timedelta(days=1),
            gallery=gallery,
            into_gallery=into_gallery,
        )
        self._write("done", "merge", into, subject)

    def _write(self, stage: str, deed: str, where: str, subject: str) -> None:
        """One write call: whole in the file, or not there."""
        os.write(self._ledger, (json.dumps([stage, deed, where, subject]) + "\n").encode())


def vector_of(subject: str) -> NDArray[np.float32]:
    """What the walk of a subject embeds to, the same in every process."""
    return unit_vector(int.from_bytes(subject.encode(), "little"))


def _run(plan: Plan) -> None:
    victim = Victim(plan)
    victim.finish_what_was_left()
    if plan.failpoint:
        failpoints.arm(plan.failpoint, plan.visits)
        victim.live()
    victim.leave()


def main() -> None:
    """Forks a victim for each plan and says how it ended."""
    for line in sys.stdin:
        plan = Plan(**json.loads(line))
        child = os.fork()
        if child == 0:
            code = 1
            os.dup2(2, 1)  # standard output is for exit codes; what it logs is not one
            try:
                _run(plan)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
