"""The errors this service answers with, rendered as RFC 9457 problem details.

Here are those that any part may raise; what only one part knows of stands with it
(`checkpoint_problems.py`, `exchange/problems.py`, `calibrating.py`). Each class is one stable
`type` (`/problems/<slug>`); its docstring is written for the person who receives the answer. Deep
code raises these and knows nothing of HTTP; one handler renders them.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from model.refusals import Fact, WalkRefused


class Problem(Exception):
    """Something in the request, or in the service, kept this call from being answered.

    Args:
        detail: one sentence about *this* call, with its figures. The class's title when left out.
        facts: the same figures for programs; they become members of the problem document.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "problem"
    title: ClassVar[str] = "The call could not be answered"
    advice: ClassVar[str] = "Read `detail`; the same call will fail the same way until it changes."

    def __init__(self, detail: str | None = None, **facts: Fact) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this answer (Retry-After and the like)."""
        return {}

    def to_json(self) -> dict[str, object]:
        """The problem document: type, title, status, detail, advice, then the facts."""
        return problem_document(
            self.slug, self.title, self.status, self.detail, self.advice, dict(self.facts)
        )


# --- what was asked for is not there ------------------------------------------------------------


class NotFound(Problem):
    """There is nothing at this address. Check the path and the method against `/docs`."""

    status = 404
    slug = "not-found"
    title = "There is nothing here"
    advice = "Check the path; /docs lists every call."


class UnknownGallery(Problem):
    """No gallery has this name. Galleries appear with the first enrolment into them."""

    status = 404
    slug = "unknown-gallery"
    title = "No gallery has this name"
    advice = "GET /galleries lists the galleries; POST /enroll creates one with its first subject."

    def __init__(self, gallery: str) -> None:
        super().__init__(f"No gallery is called '{gallery}'.", gallery=gallery)


class UnknownSubject(Problem):
    """No subject with this id is enrolled there; it may have been deleted."""

    status = 404
    slug = "unknown-subject"
    title = "No subject has this id"
    advice = "GET /subjects lists who is enrolled; check the gallery too."

    def __init__(self, subject: str, gallery: str | None = None) -> None:
        where = f" in gallery '{gallery}'" if gallery is not None else ""
        super().__init__(f"No subject '{subject}' is enrolled{where}.", subject=subject)


class UnknownWalk(Problem):
    """No walk has this id; it may have been deleted, alone or with its subject."""

    status = 404
    slug = "unknown-walk"
    title = "No walk has this id"
    advice = "GET /subjects/{subject}/walks lists a subject's walks."

    def __init__(self, walk: str) -> None:
        super().__init__(f"No walk has the id '{walk}'.", walk=walk)


class UnknownMerge(Problem):
    """No merge has this id: it was undone, it became final, or its subject was deleted."""

    status = 404
    slug = "unknown-merge"
    title = "No merge that could be undone has this id"
    advice = "GET /subjects/{subject}/merges lists what can still be undone, and until when."

    def __init__(self, merge: str) -> None:
        super().__init__(f"No merge with the id '{merge}' can be undone.", merge=merge)


class UnknownJob(Problem):
    """No job has this id: it is older than the time jobs are kept, or its subject was deleted."""

    status = 404
    slug = "unknown-job"
    title = "No job has this id"
    advice = (
        "Finished jobs are kept for a day, and go with the subjects they name. Send the walk again."
    )

    def __init__(self, job: str) -> None:
        super().__init__(f"No job has the id '{job}'.", job=job)


# --- what was asked for contradicts what is there -----------------------------------------------


class AmbiguousSubject(Problem):
    """This subject id exists in several galleries; say which one you mean."""

    status = 409
    slug = "ambiguous-subject"
    title = "This subject id exists in several galleries"
    advice = "Add ?gallery=<name> to the call."

    def __init__(self, subject: str, galleries: list[str]) -> None:
        super().__init__(
            f"Subject '{subject}' exists in {len(galleries)} galleries.",
            subject=subject,
            galleries=galleries,
        )


class SubjectExists(Problem):
    """The gallery already has a subject with this id."""

    status = 409
    slug = "subject-exists"
    title = "The gallery already has a subject with this id"
    advice = (
        "If both are one person, merge them: POST /subjects/{subject}/merge, with the `gallery` of"
        " the one that is to stay. If not, one of them needs another id: enrol them under it."
    )

    def __init__(self, subject: str, gallery: str) -> None:
        super().__init__(
            f"Gallery '{gallery}' already has a subject '{subject}'.",
            subject=subject,
            gallery=gallery,
        )


class GalleryExists(Problem):
    """Another gallery already has this name."""

    status = 409
    slug = "gallery-exists"
    title = "A gallery already has this name"
    advice = "Choose another name, or use the gallery that exists."

    def __init__(self, gallery: str) -> None:
        super().__init__(f"A gallery called '{gallery}' already exists.", gallery=gallery)


class GalleryNotEmpty(Problem):
    """The gallery still holds subjects, and deleting it would delete them."""

    status = 409
    slug = "gallery-not-empty"
    title = "The gallery still holds subjects"
    advice = "Delete its subjects first, or add ?force=true to delete them with the gallery."

    def __init__(self, gallery: str, subjects: int) -> None:
        super().__init__(
            f"Gallery '{gallery}' holds {subjects} subjects.", gallery=gallery, subjects=subjects
        )


# --- the request itself -------------------------------------------------------------------------


class MethodNotAllowed(Problem):
    """This address exists but does not answer this method; the Allow header lists those it does."""

    status = 405
    slug = "method-not-allowed"
    title = "This address does not answer this method"
    advice = "Use one of the methods in the Allow header; /docs lists every call."


class InvalidField(Problem):
    """A field or query parameter has a value that cannot be used; `field` names it."""

    status = 422
    slug = "invalid-field"
    title = "A field has a value that cannot be used"
    advice = "Correct the field named in `field` and send the call again."

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail, field=field)
        self.field = field


class MissingWalk(Problem):
    """The call carries no walk, or more than one where exactly one is wanted."""

    status = 422
    slug = "missing-walk"
    title = "The call does not carry the walk it needs"
    advice = (
        "Send multipart/form-data with the field `walk`: one video, one .zip or .tar of frames, or"
        " the frames themselves. /identify and /verify take exactly one walk."
    )


class MalformedRequest(Problem):
    """The body is not what its Content-Type says: broken multipart, or broken JSON."""

    status = 400
    slug = "malformed-request"
    title = "The body of the request cannot be read"
    advice = "Let an HTTP library build the multipart body; do not set its boundary by hand."


class LengthRequired(Problem):
    """The call needs a Content-Length so that its size is known before it is read."""

    status = 411
    slug = "length-required"
    title = "The call does not say how long its body is"
    advice = "Send a Content-Length header."


class UploadTooLarge(Problem):
    """The upload has more bytes than this service accepts; it was refused before being read."""

    status = 413
    slug = "upload-too-large"
    title = "The upload is larger than this service accepts"
    advice = "Cut the recording to the walk itself, or lower its resolution, and send it again."

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"An upload may have at most {limit_bytes} bytes in all.", limit_bytes=limit_bytes
        )


class UnsupportedMediaType(Problem):
    """The body has a Content-Type this call does not take."""

    status = 415
    slug = "unsupported-media-type"
    title = "This call does not take a body of this type"
    advice = (
        "POST /enroll, /identify and /verify take multipart/form-data; PATCH takes JSON"
        " (application/json)."
    )


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key was already used for a different request."""

    status = 422
    slug = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"
    advice = "Use a new key for a new request; repeat a key only with exactly the same body."


class WalkNotUsable(Problem):
    """The recording was read and cannot be used; `type` names the reason.

    Args:
        refusal: what the model said; its code becomes the slug of this problem's type.
    """

    status = 422
    slug = "walk-refused"
    title = "The walk cannot be used"

    def __init__(self, refusal: WalkRefused) -> None:
        super().__init__(refusal.detail, **refusal.facts)
        self.refusal = refusal

    def to_json(self) -> dict[str, object]:
        """The problem document of the refusal, under its own type, title and advice."""
        refusal = self.refusal
        return problem_document(
            refusal.code,
            refusal.title,
            self.status,
            refusal.detail,
            refusal.advice,
            dict(refusal.facts),
        )


# --- the service itself -------------------------------------------------------------------------


class TooBusy(Problem):
    """The queue is full. Nothing of this call was kept; try again after Retry-After seconds."""

    status = 503
    slug = "too-busy"
    title = "The service has more work than it can take"
    advice = "Wait for the seconds in Retry-After, then send the call again."

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(self.retry_after_seconds)}


class NotReady(Problem):
    """The service is starting or stopping and does not take work yet."""

    status = 503
    slug = "not-ready"
    title = "The service is not ready"
    advice = "Wait until GET /readyz answers 200."


class InternalError(Problem):
    """A fault of the service, not of your call. The support id finds it in the service's log."""

    status = 500
    slug = "internal-error"
    title = "The service made a mistake"
    advice = "Try again; if it happens again, report the support id."

    def __init__(self, support_id: str | None = None) -> None:
        self.support_id = support_id or uuid.uuid4().hex[:12]
        super().__init__("An unexpected error was logged.", support_id=self.support_id)


def problem_document(
    slug: str, title: str, status: int, detail: str, advice: str, facts: dict[str, object]
) -> dict[str, object]:
    """Builds an RFC 9457 document; facts never replace its standard members."""
    document: dict[str, object] = dict(facts)
    document.update(
        type=f"/problems/{slug}", title=title, status=status, detail=detail, advice=advice
    )
    order = ("type", "title", "status", "detail", "advice")
    return {key: document[key] for key in order} | document


def problem_of(error: BaseException) -> Problem:
    """The problem to answer for any error: itself, a refused walk's, or an internal error.

    The caller logs what became an `InternalError`, under its `support_id`.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, WalkRefused):
        return WalkNotUsable(error)
    return InternalError()
