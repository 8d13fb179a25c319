"""Client: the service from Python, typed.

    with Client("http://127.0.0.1:8000") as walkprint:
        walkprint.enroll("ada", ["monday.mp4", "tuesday.zip"], gallery="office")
        answer = walkprint.identify("visitor.mp4", gallery="office")
        print(answer.decision, answer.subject, answer.score, answer.threshold)

Every POST carries an `Idempotency-Key`, so a broken connection or a busy service costs a second
try and never a second enrolment. Imports neither torch nor OpenCV nor FAISS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, Unpack

from app.client.answers import Job
from app.client.api_key import key_from_environment
from app.client.checkpoints import Checkpoints
from app.client.connection import Connection, RetryPolicy
from app.client.enrollment_check import EnrollmentCheck
from app.client.exchange_calls import ExchangeCalls
from app.client.failures import unreachable
from app.client.gallery_calls import GalleryCalls
from app.client.job_calls import JobCalls
from app.client.options import (
    EnrollOptions,
    Errand,
    EverybodyOptions,
    IdentifyOptions,
    VerifyOptions,
    enrolling,
    identifying,
    identifying_everybody,
    verifying,
)
from app.client.recognition import (
    Enrollment,
    Identification,
    IdentifiedEverybody,
    Verification,
)
from app.client.subject_calls import SubjectCalls
from app.client.threshold_calls import ThresholdCalls
from app.client.work import FIRST_POLL_SECONDS, Work

if TYPE_CHECKING:
    from app.client.walk import Media

DEFAULT_URL = "http://127.0.0.1:8000"


class Client(SubjectCalls, GalleryCalls, ThresholdCalls, ExchangeCalls, JobCalls):
    """A connection to one service. May be shared by threads; close it, or use `with`.

    Args:
        base_url: of the service.
        api_key: a key of the service, or a token of the issuer it trusts. None takes the one in the
            environment: WALKPRINT_API_KEY, or the file that WALKPRINT_API_KEY_FILE names. ""
            shows none.
        timeout_seconds: without a byte from the service before a try is given up. A request waits
            for its job (60 s unless the service is set otherwise), so this should be longer.
        retries: how often and how patiently a request is sent again.
        connections: kept open at most; as many as there are threads that share this client.

    Attributes:
        checkpoints: which weights are installed, and which serve.

    Raises:
        UnusableKey: the key cannot be one.
        WalkprintError: by every method: the service refused, with the reason and what to do.
        NotAuthenticated: by every method: the key is missing, wrong, revoked or expired.
        NotAllowed: by every method: the key does not allow this.
        TooManyRequests: by every method: it was called too often, also after waiting.
        ServiceUnreachable: by every method: no answer came.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 120.0,
        retries: RetryPolicy | None = None,
        connections: int = 32,
    ) -> None:
        connection = Connection(
            base_url,
            api_key=key_from_environment() if api_key is None else api_key,
            timeout_seconds=timeout_seconds,
            policy=retries or RetryPolicy(),
            connections=connections,
        )
        super().__init__(connection)
        self._work = Work(connection, timeout_seconds)
        self.checkpoints = Checkpoints(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def enroll(
        self, subject: str, walks: Sequence[Media], **options: Unpack[EnrollOptions]
    ) -> Enrollment:
        """Creates the subject or adds walks to it; waits until they can be found.

        Args:
            subject: your id for the person.
            walks: one entry per walk: a `Walk`, a path to a video, an archive or a folder of
                frames, or a list of frames (see `app.client.media.open_walk`).
            options: `EnrollOptions`: gallery, name, metadata, walker, frames_per_second,
                idempotency_key, wait_seconds, expires_in_seconds, on_progress.
        """
        return Enrollment.read(self._work.answer(enrolling(subject, walks, options)))

    def check_enrollment(
        self, subject: str, walks: Sequence[Media], **options: Unpack[EnrollOptions]
    ) -> EnrollmentCheck:
        """Says how good walks are, and whether `enroll` would take them; enrols nobody.

        Args:
            subject: as in `enroll`.
            walks: as in `enroll`.
            options: as in `enroll`.
        """
        errand = enrolling(subject, walks, options, check=True)
        return EnrollmentCheck.read(self._work.answer(errand))

    def identify(self, walk: Media, **options: Unpack[IdentifyOptions]) -> Identification:
        """Says who of a gallery is walking, or that it is nobody of it.

        Args:
            walk: as in `enroll`.
            options: `IdentifyOptions`: gallery, top_k, target_fpir, explain, walker,
                frames_per_second, idempotency_key, wait_seconds, expires_in_seconds, on_progress.
        """
        return Identification.read(self._work.answer(identifying(walk, options)))

    def identify_everybody(
        self, walk: Media, **options: Unpack[EverybodyOptions]
    ) -> IdentifiedEverybody:
        """Says of everybody who walks in a recording who they are.

        Args:
            walk: as in `enroll`.
            options: as in `identify`, without `walker`.
        """
        return IdentifiedEverybody.read(self._work.answer(identifying_everybody(walk, options)))

    def verify(self, walk: Media, subject: str, **options: Unpack[VerifyOptions]) -> Verification:
        """Says whether a walk is the claimed subject's.

        Args:
            walk: as in `enroll`.
            subject: the claimed id.
            options: `VerifyOptions`: gallery, target_fmr, walker, frames_per_second,
                idempotency_key, wait_seconds, expires_in_seconds, on_progress.
        """
        return Verification.read(self._work.answer(verifying(walk, subject, options)))

    def submit(
        self,
        kind: Literal["enroll", "identify", "verify"],
        walks: Sequence[Media],
        fields: Mapping[str, object],
        *,
        idempotency_key: str | None = None,
    ) -> Job:
        """Hands work over without waiting for it: `Prefer: respond-async`.

        Args:
            kind: of work.
            walks: as in `enroll`.
            fields: the form fields of that route.
            idempotency_key: under one key the work is done once; a fresh one when None.
        """
        return self._work.submit(Errand(f"/{kind}", tuple(walks), fields, idempotency_key))

    def job(self, job_id: str) -> Job:
        """The present state of a job."""
        return self._work.job(job_id)

    def wait_for_job(
        self,
        job_id: str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Waits until a job has succeeded or failed.

        Args:
            job_id: of the job.
            timeout_seconds: patience; the client's own when None.
            on_progress: called with the job when its state or stage has changed.

        Raises:
            StillWorking: it has not ended within that time.
        """
        return self._work.wait(job_id, timeout_seconds, on_progress)

    def is_ready(self) -> bool:
        """Whether the service answers and takes work now; never raises."""
        return self._connection.is_ready()

    def wait_until_ready(self, *, timeout_seconds: float = 60.0) -> None:
        """Waits for a service that is starting.

        Raises:
            ServiceUnreachable: it is not ready within that time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise unreachable(
                    self._connection.base_url,
                    TimeoutError(f"not ready after {timeout_seconds:g} s"),
                )
            time.sleep(FIRST_POLL_SECONDS)
