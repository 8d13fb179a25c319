"""How far jobs are: what running ones do, for whoever watches them from any process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from app.registry.database import Database
from app.registry.job import JobState
from app.registry.tables import jobs

_STANDING = select(jobs.c.id, jobs.c.state, jobs.c.attempt, jobs.c.stage).where(
    jobs.c.id.in_(bindparam("ids", expanding=True))
)
# PostgreSQL: rows that another transaction holds are passed over. Nobody ever waits for this, nor
# this for anybody while it holds a row, so it has no part in any deadlock.
_FREE = (
    select(jobs.c.id)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.state == "running")
    .with_for_update(skip_locked=True)
)
_REACHED: Final = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("job_id"),
        jobs.c.attempt == bindparam("of_attempt"),
        jobs.c.state == "running",
    )
    .values(stage=bindparam("reached"))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands.

    Attributes:
        state: queued, running, succeeded or failed.
        attempt: how often it was claimed.
        stage: what a running job that takes a while does; None where that is not known.
    """

    state: JobState
    attempt: int
    stage: str | None


@dataclass(frozen=True, slots=True)
class Reached:
    """What an attempt at a job does now.

    Attributes:
        attempt: the number it was claimed under.
        stage: capture, gei, encode, search, explain or store.
    """

    attempt: int
    stage: str


class JobProgress:
    """Stages of running jobs.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, reached: Mapping[str, Reached]) -> None:
        """Writes what jobs do, for those whose attempt still holds; a lost line is no loss.

        Args:
            reached: by the ids of the jobs.
        """
        with self._database.write(durable=False) as connection:
            free = connection.execute(_FREE, {"ids": sorted(reached)}).scalars().all()
            if free:
                connection.execute(
                    _REACHED,
                    [
                        {
                            "job_id": job_id,
                            "of_attempt": reached[job_id].attempt,
                            "reached": reached[job_id].stage,
                        }
                        for job_id in free
                    ],
                )

    def standing(self, job_ids: Collection[str]) -> dict[str, Standing]:
        """Where jobs stand, by their ids; those that are gone are left out."""
        rows = self._database.ask(_STANDING, {"ids": sorted(job_ids)})
        return {row.id: Standing(row.state, row.attempt, row.stage) for row in rows}
