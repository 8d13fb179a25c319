"""What answers show of a walk: its energy image, and, where asked, what the decision rests on."""

from __future__ import annotations

from sqlalchemy import Table, select

from app.errors import UnknownJob
from app.registry.audit import note
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.sealing import StoredOfJob
from app.registry.tables import job_explanations, job_geis


class JobPictures:
    """Somebody's biometrics: nobody sees any without an entry in the audit log.

    Args:
        database: where they are; they go with their jobs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def gei_png(self, job_id: str, walker: int | None = None) -> bytes:
        """A probe's gait energy image, as PNG bytes.

        Args:
            job_id: the job.
            walker: number of a person in its answer; None for the first one.

        Raises:
            UnknownJob: there is no such job, or it has no image of that walker (yet).
            MasterKeyMissing, StoredDataDamaged: it is encrypted, and cannot be decrypted.
        """
        row = self._viewed(job_geis, job_id, walker)
        return self._database.vault.opened_job_gei(
            job_id, row.walker, StoredOfJob(row.gei, row.master)
        )

    def explanation(self, job_id: str, walker: int | None = None) -> bytes:
        """What a decision rests on, as JSON.

        Args:
            job_id: the job.
            walker: number of a person in its answer; None for the first one.

        Raises:
            UnknownJob: there is no such job, or nobody asked it to explain that walker.
            MasterKeyMissing, StoredDataDamaged: as `gei_png`.
        """
        row = self._viewed(job_explanations, job_id, walker)
        return self._database.vault.opened_explanation(
            job_id, row.walker, StoredOfJob(row.explanation, row.master)
        )

    def _viewed(self, table: Table, job_id: str, walker: int | None) -> AnyRow:
        """The row of one walker, or of the first; the audit log says that somebody saw it."""
        wanted = select(table).where(table.c.job_id == job_id)
        if walker is not None:
            wanted = wanted.where(table.c.walker == walker)
        with self._database.write() as connection:
            row = connection.execute(wanted.order_by(table.c.walker).limit(1)).one_or_none()
            if row is None:
                raise UnknownJob(job_id)
            note(connection, "gei.viewed", job=job_id)
        return row
