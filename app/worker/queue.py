"""What takes jobs to whoever runs them: threads of this process, or a broker.

Either way SQL holds the jobs and the queue carries no more than their ids.
"""

from __future__ import annotations

from typing import Protocol

from app.registry import Job


class JobQueue(Protocol):
    """Takes jobs of the registry to their workers."""

    @property
    def depth(self) -> int:
        """Jobs waiting or running: what new work has to wait for."""
        ...

    @property
    def has_idle_thread(self) -> bool:
        """Whether a job put now would be begun at once, in this process."""
        ...

    def holds(self, job_id: str) -> bool:
        """Whether the job is in this process's care."""
        ...

    def put(self, job: Job) -> bool:
        """Adds a job of the registry; one that is running was claimed by being accepted.

        Returns:
            False when it is here already or this process is stopping.
        """
        ...

    def look(self) -> None:
        """Does what is due once a second."""
        ...
