"""The registry: the one object through which the rest of the service reaches SQL."""

from __future__ import annotations

from collections.abc import Callable

from app.registry.asked_erasures import AskedErasures
from app.registry.audit.log import AuditLog
from app.registry.checkpoints import Checkpoints
from app.registry.columns import Clock, utc_now
from app.registry.database import Database, ping
from app.registry.engines import POSTGRESQL_CONNECTIONS
from app.registry.enrollments import Enrollments
from app.registry.exchange import Exchange
from app.registry.facts import epoch
from app.registry.galleries import Galleries
from app.registry.gallery_map import GalleryMaps
from app.registry.gallery_thresholds import Thresholds
from app.registry.index_feeds import IndexFeeds
from app.registry.job_list import JobList
from app.registry.job_pictures import JobPictures
from app.registry.job_progress import JobProgress
from app.registry.jobs import Jobs
from app.registry.keys import Keys
from app.registry.merges import Merges
from app.registry.migration import pending_revisions, upgrade
from app.registry.reembeddings import Reembeddings
from app.registry.retention import Retention
from app.registry.rotation.protection import Protection
from app.registry.sealing import MasterKeys, MasterKeySource
from app.registry.sealing.checking import require_master_keys
from app.registry.sealing.encryption import Encryption
from app.registry.sessions import Sessions
from app.registry.signing import Signer
from app.registry.subjects import Subjects
from app.registry.switching import Switching
from app.registry.templates import Templates
from app.registry.transfers import Transfers
from app.registry.walks import Walks


class Registry:
    """Subjects, walks, galleries and jobs, in SQLite or PostgreSQL. Safe for threads to share.

    Args:
        database: opened; `close` closes it.

    Attributes:
        galleries: named sets of subjects.
        protection: of their templates, by a secret rotation.
        thresholds: what was measured of galleries.
        maps: of galleries, for people to look at.
        retention: what is erased for its age.
        subjects: the people in them.
        merges: subjects that were found to be one person.
        transfers: subjects on their way to another gallery.
        walks: their recordings, as gait energy images.
        templates: the vectors searches compare.
        index_feeds: how far collections of vectors outside of SQL have come.
        enrollments: how walks get in.
        jobs: the work of each call.
        checkpoints: what is installed, and what serves.
        switching: activations and rollbacks.
        reembeddings: stored walks passing a new checkpoint.
        asked_erasures: erasures that a crash broke off.
        exchange: galleries as files.
        audit: who did what.
        encryption: of what is stored, as an operator sees to it.
        keys: who may call.
        sessions: browsers that signed in.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.galleries = Galleries(database)
        self.protection = Protection(database)
        self.thresholds = Thresholds(database)
        self.maps = GalleryMaps(database)
        self.retention = Retention(database)
        self.subjects = Subjects(database)
        self.merges = Merges(database)
        self.transfers = Transfers(database)
        self.walks = Walks(database)
        self.templates = Templates(database)
        self.index_feeds = IndexFeeds(database)
        self.enrollments = Enrollments(database)
        self.jobs = Jobs(database)
        self.job_list = JobList(database)
        self.job_progress = JobProgress(database)
        self.job_pictures = JobPictures(database)
        self.checkpoints = Checkpoints(database)
        self.switching = Switching(database)
        self.reembeddings = Reembeddings(database)
        self.asked_erasures = AskedErasures(database)
        self.exchange = Exchange(database)
        self.audit = AuditLog(database)
        self.encryption = Encryption(database)
        self.keys = Keys(database)
        self.sessions = Sessions(database)

    @classmethod
    def open(
        cls,
        database_url: str,
        *,
        connections: int = POSTGRESQL_CONNECTIONS,
        clock: Clock = utc_now,
        signer: Signer | None = None,
        master_keys: MasterKeySource | None = None,
    ) -> Registry:
        """Opens a database; makes the folder of a SQLite file. Does not migrate.

        Args:
            database_url: sqlite:///path or postgresql://user:password@host/name.
            connections: most that are open to PostgreSQL at the same time.
            clock: gives the present instant in UTC.
            signer: signs the audit log; None leaves it unsigned, as tests do.
            master_keys: what biometrics are encrypted under; None stores them as they are.

        Raises:
            ValueError: another kind of database.
        """
        return cls(
            Database(
                database_url,
                connections=connections,
                clock=clock,
                signer=signer,
                master_keys=master_keys,
            )
        )

    def migrate(self) -> None:
        """Brings the database to the newest revision; processes that start at once take turns."""
        upgrade(self._database)

    def pending_revisions(self) -> list[str]:
        """What `migrate` would do: revisions, oldest first.

        Raises:
            NewerDatabase: the database was migrated by a later Walkprint.
        """
        return pending_revisions(self._database)

    def scrub(self) -> bool:
        """Clears what erasures may have left between the rows of a SQLite file.

        To be called now and then (at start, every few minutes): does nothing when nothing was
        erased, and else rewrites the file, about a second per 100 MB, while writers wait.

        Returns:
            True when there was something to do.
        """
        return self._database.scrub()

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a SQLite file, and no server's."""
        return self._database.is_sqlite

    def epoch(self) -> str:
        """Names the history that revisions and template ids belong to; a restore begins another.

        Whatever is kept outside the database by those numbers holds in the same epoch only.
        """
        return epoch(self._database)

    @property
    def master_keys(self) -> MasterKeys | None:
        """What copies outside of the database are encrypted with; None for plain ones."""
        return self._database.vault.keys

    def require_master_keys(self) -> None:
        """Makes sure that every master key that something is encrypted under is set.

        Raises:
            MasterKeyMissing: one is not; names its fingerprint.
        """
        require_master_keys(self._database)

    def on_erasure(self, listener: Callable[[], None]) -> None:
        """Has a function called after each erasure here, before that is acknowledged."""
        self._database.on_erasure(listener)

    def ping(self) -> None:
        """Asks the database for an answer; raises the driver's error when there is none."""
        ping(self._database)

    def close(self) -> None:
        """Closes every connection. Calls in progress finish first only if the caller waits."""
        self._database.close()
