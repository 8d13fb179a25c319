"""A second process on the same database: `python -m tests.app.registry.concurrent_process`.

Claims jobs at its first line on stdin; at the second enrols people, prints each when it is
acknowledged, and at last a report as JSON.
"""

from __future__ import annotations

import json
import sys

from app.registry import Registry
from app.search import GallerySearch
from app.telemetry import configure_logging
from tests.enrolling import CHECKPOINT, enroll, unit_vector


def enroll_many(registry: Registry, name: str, count: int) -> list[int]:
    """Enrols people one after the other, each at once looked for; returns their revisions."""
    search = GallerySearch(registry)
    revisions = []
    for number in range(count):
        subject = f"{name}-{number}"
        vector_d = unit_vector(hash_of(subject))
        revisions.append(enroll(registry, subject, [vector_d]).revision)
        found = search.search("default", CHECKPOINT, vector_d[None], top_k=1)
        if found.candidates[0].subject != subject:
            msg = f"{subject} was enrolled and not found"
            raise RuntimeError(msg)
        say(subject)
    return revisions


def claim_all(registry: Registry, name: str) -> list[str]:
    """Claims and finishes jobs until none waits; returns their ids."""
    taken = []
    while (job := registry.jobs.claim_next(owner=name, lease_seconds=30)) is not None:
        registry.jobs.finish(job.id, job.attempt, {"by": name})
        taken.append(job.id)
    return taken


def say(line: str) -> None:
    """Prints a line at once, so that the parent has it even if this process is killed."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def hash_of(text: str) -> int:
    """A seed that is the same in every process."""
    return int.from_bytes(text.encode(), "little")


def main(database_url: str, name: str, count: str) -> None:
    """Starts when a line arrives on stdin, so that all processes start together.

    Whoever claims whatever waits would also claim what another has just accepted to enrol someone,
    so nobody enrols before all have claimed.
    """
    configure_logging("warning", as_json=False)  # standard output is for what was acknowledged
    registry = Registry.open(database_url)
    registry.migrate()
    say("ready")
    sys.stdin.readline()
    taken = claim_all(registry, name)
    say("claimed")
    sys.stdin.readline()
    revisions = enroll_many(registry, name, int(count))
    registry.close()
    say(json.dumps({"revisions": revisions, "taken": taken}))


if __name__ == "__main__":
    main(*sys.argv[1:])
