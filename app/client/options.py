"""What can be said with a piece of work, and the request that it becomes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from app.client.answers import Job
from app.client.walk import Walk

if TYPE_CHECKING:
    from app.client.walk import Media

OneWalker = Literal["only", "largest"]
"""Whose walk is meant where several people walk: of nobody but the only one, or the largest."""
# Seconds that a request itself waits where somebody wants to hear of the progress in between.
_FIRST_NEWS_SECONDS = 1.0


class Options(TypedDict, total=False):
    """With every piece of work; what is left out is as if it were None.

    gallery: its name; the service's default when None.
    frames_per_second: of bundles of frames; a `Walk` that knows its own needs none.
    idempotency_key: under one key the work is done once; a fresh one when None.
    wait_seconds: how long to wait for the answer in all, then `StillWorking`; as long as the client
        waits for a job when None.
    expires_in_seconds: after which the answer is of no use: work that was not begun is not done.
    on_progress: called with the job whenever its state or stage has changed, while it is waited
        for; not for one that ends within a second.
    """

    gallery: str | None
    frames_per_second: float | None
    idempotency_key: str | None
    wait_seconds: float | None
    expires_in_seconds: float | None
    on_progress: Callable[[Job], None] | None


class EnrollOptions(Options, total=False):
    """Besides `Options`.

    name: for people to read.
    metadata: a JSON object kept with the subject.
    walker: whose walk is meant where several people walk; "only" when None.
    """

    name: str | None
    metadata: Mapping[str, object] | None
    walker: OneWalker | None


class EverybodyOptions(Options, total=False):
    """Besides `Options`.

    top_k: how many candidates to name, 1 to 50.
    target_fpir: the accepted share of strangers who are given a name, above 0 and below 1.
    explain: keep what the decision rests on, for `Client.explanation`.
    """

    top_k: int | None
    target_fpir: float | None
    explain: bool | None


class IdentifyOptions(EverybodyOptions, total=False):
    """Besides `EverybodyOptions`: `walker`, whose walk is meant; "only" when None."""

    walker: OneWalker | None


class VerifyOptions(Options, total=False):
    """Besides `Options`.

    target_fmr: the accepted share of other people who pass, above 0 and below 1.
    walker: whose walk is meant where several people walk; "only" when None.
    """

    target_fmr: float | None
    walker: OneWalker | None


@dataclass(frozen=True, slots=True)
class Errand:
    """A piece of work as it is sent.

    Attributes:
        route: "/enroll", "/identify" or "/verify".
        walks: one entry per walk.
        fields: of the form; entries that are None are left out.
        idempotency_key: a fresh one when None.
        wait_seconds: patience in all; None for the client's own.
        on_progress: told what becomes of it.
    """

    route: str
    walks: tuple[Media, ...]
    fields: Mapping[str, object]
    idempotency_key: str | None = None
    wait_seconds: float | None = None
    on_progress: Callable[[Job], None] | None = None

    @property
    def prefer(self) -> str | None:
        """What the service is told about waiting (RFC 7240); None where it decides."""
        asked = [] if self.wait_seconds is None else [self.wait_seconds]
        if self.on_progress is not None:
            asked.append(_FIRST_NEWS_SECONDS)
        return f"wait={math.ceil(max(0.0, min(asked)))}" if asked else None


def enrolling(
    subject: str, walks: Sequence[Media], options: EnrollOptions, *, check: bool = False
) -> Errand:
    """`POST /enroll`.

    Args:
        subject: your id for the person.
        walks: one entry per walk.
        options: of the call.
        check: only look at how good the walks are.

    Raises:
        TypeError: an option is not known.
    """
    metadata = options.get("metadata")
    fields = {
        "subject": subject,
        "name": options.get("name"),
        "metadata": None if metadata is None else json.dumps(metadata),
        "walker": options.get("walker"),
        "check": "true" if check else None,
    }
    return _errand("/enroll", walks, fields, options, EnrollOptions)


def identifying(walk: Media, options: IdentifyOptions) -> Errand:
    """`POST /identify` for one walker.

    Raises:
        TypeError: an option is not known.
    """
    fields = _search(options) | {"walker": options.get("walker")}
    return _errand("/identify", [walk], fields, options, IdentifyOptions)


def identifying_everybody(walk: Media, options: EverybodyOptions) -> Errand:
    """`POST /identify` for all walkers.

    Raises:
        TypeError: an option is not known.
    """
    fields = _search(options) | {"walker": "all"}
    return _errand("/identify", [walk], fields, options, EverybodyOptions)


def verifying(walk: Media, subject: str, options: VerifyOptions) -> Errand:
    """`POST /verify`.

    Raises:
        TypeError: an option is not known.
    """
    fields = {
        "subject": subject,
        "target_fmr": options.get("target_fmr"),
        "walker": options.get("walker"),
    }
    return _errand("/verify", [walk], fields, options, VerifyOptions)


def _search(options: EverybodyOptions) -> dict[str, object]:
    return {
        "top_k": options.get("top_k"),
        "target_fpir": options.get("target_fpir"),
        "explain": "true" if options.get("explain") else None,
    }


def _errand(
    route: str,
    walks: Sequence[Media],
    fields: Mapping[str, object],
    options: Options,
    known: type[Options],
) -> Errand:
    # Python does not look at the names of a TypedDict: a misspelled one would be ignored.
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"{route[1:]} has no option {name!r}")
    rate = options.get("frames_per_second")
    rates = [walk.frames_per_second for walk in walks if isinstance(walk, Walk)]
    common = {
        "gallery": options.get("gallery"),
        "fps": rate if rate is not None else _the_one(rates),
        "expires_in": options.get("expires_in_seconds"),
    }
    return Errand(
        route,
        tuple(walks),
        {**fields, **common},
        options.get("idempotency_key"),
        options.get("wait_seconds"),
        options.get("on_progress"),
    )


def _the_one(rates: Sequence[float | None]) -> float | None:
    """The frame rate of all walks of a request, which has room for one.

    Raises:
        ValueError: they differ.
    """
    known = {rate for rate in rates if rate is not None}
    if len(known) > 1:
        raise ValueError("walks of several frame rates: send each with a call of its own")
    return next(iter(known), None)
