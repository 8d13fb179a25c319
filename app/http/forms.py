"""From a received form to a job: which fields, within which bounds, which files make one walk."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from app.errors import InvalidField, MissingWalk
from app.http.caller import Caller
from app.http.multipart import MEDIA_FIELD, MediaPart, ReceivedForm
from app.registry import IdempotencyKey, NewJob
from app.registry.fields import clean_gallery, clean_metadata, clean_name, clean_subject
from app.settings import Settings
from model.media import is_picture
from model.refusals import MediaNotReadable
from model.walker_choice import WalkerChoice

DEFAULT_GALLERY = "default"
DEFAULT_TOP_K = 5
WALKER_CHOICES: tuple[WalkerChoice, ...] = get_args(WalkerChoice)
MOST_CANDIDATES = 50
# Of one call; more walks of one person come in further calls.
MOST_WALKS = 32
# Cameras beyond this are scientific instruments; the GEI needs 15.
_HIGHEST_FPS = 1000.0
_LATEST_SECONDS = 86_400

KNOWN_FIELDS = frozenset(
    {
        "subject",
        "gallery",
        "name",
        "metadata",
        "top_k",
        "target_fpir",
        "target_fmr",
        "fps",
        "expires_in",
        "walker",
        "explain",
        "check",
    }
)


def enroll_job(form: ReceivedForm, _settings: Settings, *, names_duplicates: bool) -> NewJob:
    """The job of `POST /enroll`: `subject` and one or more walks.

    Args:
        form: as received.
        names_duplicates: whether the caller may learn who else walks like this person.
    """
    request: dict[str, object] = {
        "name": clean_name(form.fields.get("name", "")),
        "metadata": _metadata(form.fields.get("metadata", "")),
        "walker": _one_walker(form),
        "names_duplicates": names_duplicates,
        "check": _flag(form, "check"),
        **_frame_rate(form),
    }
    return NewJob(
        kind="enroll",
        gallery=_gallery(form),
        subject=_subject(form),
        request=request,
        uploads=_walks(form, most=MOST_WALKS),
        expires_in=_expires_in(form),
    )


def identify_job(form: ReceivedForm, settings: Settings) -> NewJob:
    """The job of `POST /identify`: one recording, `walker`, `top_k`, `target_fpir`,
    `explain`."""
    request: dict[str, object] = {
        "walker": _walker(form),
        "top_k": _top_k(form),
        "target_fpir": _rate(form, "target_fpir", settings.target_fpir),
        "explain": _flag(form, "explain"),
        **_frame_rate(form),
    }
    return NewJob(
        kind="identify",
        gallery=_gallery(form),
        subject=None,
        request=request,
        uploads=_walks(form, most=1),
        expires_in=_expires_in(form),
    )


def verify_job(form: ReceivedForm, settings: Settings) -> NewJob:
    """The job of `POST /verify`: one walk, the claimed `subject`, `target_fmr`."""
    request: dict[str, object] = {
        "walker": _one_walker(form),
        "target_fmr": _rate(form, "target_fmr", settings.target_fmr),
        **_frame_rate(form),
    }
    return NewJob(
        kind="verify",
        gallery=_gallery(form),
        subject=_subject(form),
        request=request,
        uploads=_walks(form, most=1),
        expires_in=_expires_in(form),
    )


def idempotency_of(request: Request, content: Iterable[str]) -> IdempotencyKey | None:
    """The caller's Idempotency-Key with a fingerprint of the call, if there is a key.

    Args:
        request: names the route and carries the key.
        content: everything that makes two calls the same.

    Raises:
        InvalidField: the key is empty, longer than 255 characters, or not printable ASCII.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidField(
            "Idempotency-Key", "It takes 1 to 255 printable ASCII characters without spaces."
        )
    route = request.url.path
    caller: Caller = request.state.caller  # one caller's keys are nothing to another
    return IdempotencyKey(
        key_hash=_digest((caller.name, route, key)), fingerprint=_digest((route, *content))
    )


def note_replay(response: Response, replayed: bool) -> None:
    """Says in the headers that an answer is that of an earlier call under the same key."""
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"


def content_of(form: ReceivedForm) -> list[str]:
    """What identifies a form's content: its fields and the digest of each file, in order."""
    fields = [f"{name}={value}" for name, value in sorted(form.fields.items())]
    return [*fields, *(f"{part.filename}:{part.upload.sha256}" for part in form.media)]


def longest_wait(request: Request, most_seconds: float) -> float:
    """How long the caller wants to wait before 202, in seconds (`Prefer`, RFC 7240).

    Args:
        request: `Prefer: respond-async` waits not at all, `Prefer: wait=5` at most so many seconds;
            what cannot be read is no preference.
        most_seconds: that a request may wait.
    """
    preferences = ",".join(request.headers.getlist("prefer")).lower()
    choices = [choice.strip() for choice in preferences.split(",")]
    if "respond-async" in choices:
        return 0.0
    waits = (re.fullmatch(r"wait\s*=\s*\"?([0-9]{1,9})\"?", choice) for choice in choices)
    return min([most_seconds, *(float(wait[1]) for wait in waits if wait)])


def _digest(parts: Iterable[str]) -> str:
    # JSON keeps the borders between the parts.
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def _subject(form: ReceivedForm) -> str:
    if "subject" not in form.fields:
        raise InvalidField("subject", "This field is missing: your id for the person.")
    return clean_subject(form.fields["subject"])


def _gallery(form: ReceivedForm) -> str:
    return clean_gallery(form.fields.get("gallery", "").strip() or DEFAULT_GALLERY)


def _metadata(text: str) -> dict[str, object]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidField("metadata", "It is not valid JSON; send a JSON object.") from None
    return clean_metadata(value)


def _top_k(form: ReceivedForm) -> int:
    text = form.fields.get("top_k", str(DEFAULT_TOP_K)).strip()
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_CANDIDATES:
        raise InvalidField("top_k", f"It must be a whole number from 1 to {MOST_CANDIDATES}.")
    return int(text)


def _walker(form: ReceivedForm) -> WalkerChoice:
    text = form.fields.get("walker", "").strip() or "only"
    for choice in WALKER_CHOICES:
        if text == choice:
            return choice
    raise InvalidField("walker", f"It must be one of {', '.join(WALKER_CHOICES)}.")


def _flag(form: ReceivedForm, name: str) -> bool:
    # Generated clients write True and False as their languages do.
    text = form.fields.get(name, "").strip().lower() or "false"
    if text not in ("true", "false"):
        raise InvalidField(name, "It must be true or false.")
    return text == "true"


def _one_walker(form: ReceivedForm) -> WalkerChoice:
    choice = _walker(form)
    if choice == "all":
        raise InvalidField(
            "walker",
            "Several people cannot be one subject: use only or largest here. POST /identify answers"
            " for each of them with all.",
        )
    return choice


def _rate(form: ReceivedForm, field: str, default: float) -> float:
    if field not in form.fields:
        return default
    rate = _number(form.fields[field])
    if rate is None or not 0 < rate < 1:
        raise InvalidField(field, "It must be a number above 0 and below 1, such as 0.01.")
    return rate


def _expires_in(form: ReceivedForm) -> timedelta | None:
    if not form.fields.get("expires_in", "").strip():
        return None
    seconds = _number(form.fields["expires_in"])
    if seconds is None or not 0 < seconds <= _LATEST_SECONDS:
        raise InvalidField(
            "expires_in", f"It must be a number of seconds above 0, at most {_LATEST_SECONDS}."
        )
    return timedelta(seconds=seconds)


def _frame_rate(form: ReceivedForm) -> dict[str, object]:
    if not form.fields.get("fps", "").strip():
        return {}
    fps = _number(form.fields["fps"])
    if fps is None or not 1 <= fps <= _HIGHEST_FPS:
        raise InvalidField("fps", f"It must be a number from 1 to {_HIGHEST_FPS:.0f}.")
    return {"fps": fps}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _walks(form: ReceivedForm, *, most: int) -> tuple[tuple[str, ...], ...]:
    """Groups the files: consecutive pictures are the frames of one walk, any other file is one."""
    # A browser sends an empty part without a name for a file field that was left empty.
    media = [part for part in form.media if part.filename or part.upload.size]
    for part in media:
        if part.upload.size == 0:
            raise MediaNotReadable("A file of the upload is empty.")
    walks: list[tuple[str, ...]] = []
    for pictures, parts in groupby(media, key=lambda part: is_picture(part.upload.head)):
        if pictures:
            walks.append(tuple(part.upload.name for part in _in_order(list(parts))))
        else:
            walks.extend((part.upload.name,) for part in parts)
    if not walks:
        raise MissingWalk(f"There is no file in the field {MEDIA_FIELD!r}.")
    if len(walks) > most:
        raise MissingWalk(f"The call carries {len(walks)} walks; it takes at most {most}.")
    unused = [part for part in form.media if part not in media]
    for part in unused:
        part.upload.discard()
    return tuple(walks)


def _in_order(parts: list[MediaPart]) -> list[MediaPart]:
    """Frames by the numbers in their names where all have different names, else as sent."""
    keys = [_natural_key(part.filename) for part in parts]
    if len(set(keys)) < len(parts) or not all(re.search(r"\d", part.filename) for part in parts):
        return parts
    return [part for _, part in sorted(zip(keys, parts, strict=True), key=lambda pair: pair[0])]


def _natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """`frame-2.png` before `frame-10.png`."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces)
