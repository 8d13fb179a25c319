"""Client: the service from Python, typed.

    with Client("http://127.0.0.1:8000") as walkprint:
        walkprint.enroll("ada", ["monday.mp4", "tuesday.zip"], gallery="office")
        answer = walkprint.identify("visitor.mp4", gallery="office")
        print(answer.decision, answer.subject, answer.score, answer.threshold)

Every POST carries an `Idempotency-Key`, so a broken connection or a busy service costs a second
try and never a second enrolment. Imports neither torch nor OpenCV nor FAISS.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from app.client.answers import Job
from app.client.api_key import key_from_environment
from app.client.checkpoints import Checkpoints
from app.client.connection import Connection, RetryPolicy
from app.client.exchange_calls import ExchangeCalls
from app.client.failures import unreachable
from app.client.gallery_calls import GalleryCalls
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
    from app.client.media import Media

OneWalker = Literal["only", "largest"]
"""Whose walk is meant where several people walk: of nobody but the only one, or the largest."""
DEFAULT_URL = "http://127.0.0.1:8000"


class Client(SubjectCalls, GalleryCalls, ThresholdCalls, ExchangeCalls):
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
        self,
        subject: str,
        walks: Sequence[Media],
        *,
        gallery: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, object] | None = None,
        walker: OneWalker | None = None,
        frames_per_second: float | None = None,
        idempotency_key: str | None = None,
    ) -> Enrollment:
        """Creates the subject or adds walks to it; waits until they can be found.

        Args:
            subject: your id for the person.
            walks: one entry per walk: a path to a video, an archive or a folder of frames, or a
                list of frames (see `app.client.media.open_walk`).
            gallery: created when unknown; the service's default when None.
            name: for people to read.
            metadata: a JSON object kept with the subject.
            walker: whose walk is meant where several people walk; "only" when None.
            frames_per_second: of walks that are bundles of frames, if known.
            idempotency_key: under one key the work is done once; a fresh one when None.
        """
        fields = {
            "subject": subject,
            "gallery": gallery,
            "name": name,
            "metadata": None if metadata is None else json.dumps(metadata),
            "walker": walker,
            "fps": frames_per_second,
        }
        return Enrollment.read(self._work.answer("/enroll", walks, fields, idempotency_key))

    def identify(
        self,
        walk: Media,
        *,
        gallery: str | None = None,
        top_k: int | None = None,
        target_fpir: float | None = None,
        walker: OneWalker | None = None,
        frames_per_second: float | None = None,
        idempotency_key: str | None = None,
    ) -> Identification:
        """Says who of a gallery is walking, or that it is nobody of it.

        Args:
            walk: as in `enroll`.
            gallery: where to search; the service's default when None.
            top_k: how many candidates to name, 1 to 50.
            target_fpir: the accepted share of strangers who are given a name, above 0 and below 1.
            walker: whose walk is meant where several people walk; "only" when None.
            frames_per_second: of a bundle of frames, if known.
            idempotency_key: under one key the work is done once; a fresh one when None.
        """
        fields = {
            "gallery": gallery,
            "top_k": top_k,
            "target_fpir": target_fpir,
            "walker": walker,
            "fps": frames_per_second,
        }
        return Identification.read(self._work.answer("/identify", [walk], fields, idempotency_key))

    def identify_everybody(
        self,
        walk: Media,
        *,
        gallery: str | None = None,
        top_k: int | None = None,
        target_fpir: float | None = None,
        frames_per_second: float | None = None,
        idempotency_key: str | None = None,
    ) -> IdentifiedEverybody:
        """Says of everybody who walks in a recording who they are; arguments as in `identify`."""
        fields = {
            "gallery": gallery,
            "top_k": top_k,
            "target_fpir": target_fpir,
            "walker": "all",
            "fps": frames_per_second,
        }
        return IdentifiedEverybody.read(
            self._work.answer("/identify", [walk], fields, idempotency_key)
        )

    def verify(
        self,
        walk: Media,
        subject: str,
        *,
        gallery: str | None = None,
        target_fmr: float | None = None,
        walker: OneWalker | None = None,
        frames_per_second: float | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """Says whether a walk is the claimed subject's.

        Args:
            walk: as in `enroll`.
            subject: the claimed id.
            gallery: the subject's gallery; the service's default when None.
            target_fmr: the accepted share of other people who pass, above 0 and below 1.
            walker: whose walk is meant where several people walk; "only" when None.
            frames_per_second: of a bundle of frames, if known.
            idempotency_key: under one key the work is done once; a fresh one when None.
        """
        fields = {
            "subject": subject,
            "gallery": gallery,
            "target_fmr": target_fmr,
            "walker": walker,
            "fps": frames_per_second,
        }
        return Verification.read(self._work.answer("/verify", [walk], fields, idempotency_key))

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
        return self._work.submit(kind, walks, fields, idempotency_key)

    def job(self, job_id: str) -> Job:
        """The present state of a job."""
        return self._work.job(job_id)

    def wait_for_job(self, job_id: str, *, timeout_seconds: float | None = None) -> Job:
        """Waits until a job has succeeded or failed.

        Raises:
            StillWorking: it has not ended within `timeout_seconds` (the client's own when None).
        """
        return self._work.wait(job_id, timeout_seconds)

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
