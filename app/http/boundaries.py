"""What callers who are limited to galleries see: nothing else exists for them.

What lies in another gallery is answered exactly as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_args

import structlog
from fastapi import Depends

from app.errors import (
    AmbiguousSubject,
    UnknownGallery,
    UnknownJob,
    UnknownMerge,
    UnknownSubject,
    UnknownWalk,
)
from app.http.access import Recognised
from app.http.addresses import GalleryQuery, SubjectId, clean_query
from app.http.caller import Caller
from app.http.services import Parts
from app.registry import Job
from app.registry.fields import clean_gallery
from app.registry.job import JobKind
from app.registry.scopes import Scope

_SCOPE_OF: dict[JobKind, Scope] = {
    "enroll": "enroll",
    "identify": "identify",
    "verify": "identify",
}
assert set(_SCOPE_OF) == set(get_args(JobKind))  # noqa: S101 - a kind without a scope


def own_gallery(caller: Caller, gallery: str) -> str:
    """A gallery's name, if it is the caller's to see.

    Raises:
        UnknownGallery: it is not, be it there or not.
    """
    if not caller.sees(gallery):
        raise UnknownGallery(gallery)
    return gallery


def _own_gallery_in_path(gallery: str, caller: Recognised) -> str:
    return own_gallery(caller, clean_gallery(gallery))


OwnGallery = Annotated[str, Depends(_own_gallery_in_path)]
"""The `{gallery}` of a path, as it is stored."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A subject, where the caller may look.

    Attributes:
        subject: the caller's id.
        gallery: where to look; None for everywhere.
    """

    subject: str
    gallery: str | None


def _whereabouts(
    services: Parts, caller: Recognised, subject: SubjectId, gallery: GalleryQuery = None
) -> Whereabouts:
    named = clean_query(gallery)
    if named is not None:
        return Whereabouts(subject, own_gallery(caller, named))
    if caller.galleries is None:
        return Whereabouts(subject, None)
    found = sorted(filter(caller.sees, services.registry.subjects.galleries_of(subject)))
    if not found:
        raise UnknownSubject(subject)
    if len(found) > 1:
        raise AmbiguousSubject(subject, found)
    return Whereabouts(subject, found[0])


OwnSubject = Annotated[Whereabouts, Depends(_whereabouts)]
"""The `{subject}` of a path, with the `gallery` of the query."""


def _own_walk(services: Parts, caller: Recognised, walk: str) -> str:
    if caller.galleries is not None and not caller.sees(services.registry.walks.get(walk).gallery):
        raise UnknownWalk(walk)
    return walk


OwnWalk = Annotated[str, Depends(_own_walk)]
"""The `{walk}` of a path."""


def _own_merge(services: Parts, caller: Recognised, merge: str) -> str:
    if caller.galleries is not None:
        found = services.registry.merges.get(merge)
        home = services.registry.merges.home_of(found)
        if not (caller.sees(found.gallery) and caller.sees(home)):
            raise UnknownMerge(merge)
    return merge


OwnMerge = Annotated[str, Depends(_own_merge)]
"""The `{merge}` of a path: both subjects were, or are, where the caller sees them."""


def kinds_for(caller: Caller) -> tuple[JobKind, ...]:
    """The kinds of jobs that a caller could ask for."""
    return tuple(kind for kind, scope in _SCOPE_OF.items() if caller.may(scope))


def _own_job(services: Parts, caller: Recognised, job: str) -> Job:
    found = services.registry.jobs.get(job)
    if not (caller.sees(found.gallery) and caller.may(_SCOPE_OF[found.kind])):
        raise UnknownJob(job)
    return found


async def _spoken_of(job: Annotated[Job, Depends(_own_job)]) -> Job:
    # In the request's own task, from which its threads take what their log lines name.
    structlog.contextvars.bind_contextvars(job=job.id)
    return job


OwnJob = Annotated[Job, Depends(_spoken_of)]
"""The `{job}` of a path: one that the caller could have asked for."""
