"""What the service answers, as values: one frozen dataclass for each kind of answer.

Each is read from the JSON the service sent and keeps it in `json`, so that a key this version of
the client does not know yet is not lost. Answers about walks are in `recognition.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# An answer is whatever JSON the service sent; its values are checked where they are read.
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A person known to a gallery. `walks` counts their stored walks."""

    subject: str
    gallery: str
    name: str | None
    metadata: Json
    walks: int
    created_at: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Subject:
        return cls(
            subject=str(json["subject"]),
            gallery=str(json["gallery"]),
            name=json.get("name"),
            metadata=dict(json.get("metadata") or {}),
            walks=int(json.get("walks", 0)),
            created_at=str(json.get("created_at", "")),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Gallery:
    """A named set of subjects that is searched together.

    Rules: most walks kept of one subject, and the ages in days at which walks, and subjects since
    their last change, are erased; None where there is no such rule. `protected`: whether templates
    are stored under a secret rotation.
    """

    name: str
    subjects: int
    walks_per_subject: int | None
    keep_walks_days: int | None
    keep_subjects_days: int | None
    protected: bool
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Gallery:
        return cls(
            name=str(json["name"]),
            subjects=int(json.get("subjects", 0)),
            walks_per_subject=json.get("walks_per_subject"),
            keep_walks_days=json.get("keep_walks_days"),
            keep_subjects_days=json.get("keep_subjects_days"),
            protected=bool(json.get("protected", False)),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that can still be undone. `subject` stays, `absorbed` is the id that is no more.

    `walks` are the ids of those that came along and still exist.
    """

    id: str
    subject: str
    gallery: str
    absorbed: str
    walks: tuple[str, ...]
    undo_until: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Merge:
        return cls(
            id=str(json["id"]),
            subject=str(json["subject"]),
            gallery=str(json["gallery"]),
            absorbed=str(json["absorbed"]),
            walks=tuple(json.get("walks", ())),
            undo_until=str(json["undo_until"]),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was removed for good. `receipt` is signed, and the only copy there is."""

    subjects: int
    walks: int
    templates: int
    receipt: Json = field(repr=False, compare=False)
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Erasure:
        return cls(
            int(json["subjects"]),
            int(json["walks"]),
            int(json["templates"]),
            dict(json["receipt"]),
            json,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted piece of work. `state` is queued, running, succeeded or failed.

    `stage` is what a running one does, where that takes a while: capture, gei, encode, search,
    explain, store.
    """

    id: str
    kind: str
    state: str
    stage: str | None
    result: Json | None
    problem: Json | None
    json: Json = field(repr=False, compare=False)

    @property
    def is_finished(self) -> bool:
        """True once the state will not change any more."""
        return self.state in {"succeeded", "failed"}

    @classmethod
    def read(cls, json: Json) -> Job:
        return cls(
            id=str(json["id"]),
            kind=str(json.get("kind", "")),
            state=str(json["state"]),
            stage=json.get("stage"),
            result=json.get("result"),
            problem=json.get("problem"),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs wait and run, in all processes of the service."""

    queued: int
    running: int

    @classmethod
    def read(cls, json: Json) -> JobCounts:
        return cls(int(json["queued"]), int(json["running"]))


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job in a list; `Client.job` has its answer. `subject` is None for an identification."""

    id: str
    kind: str
    state: str
    stage: str | None
    gallery: str
    subject: str | None
    priority: str
    problem: Json | None
    created_at: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> ListedJob:
        return cls(
            id=str(json["id"]),
            kind=str(json["kind"]),
            state=str(json["state"]),
            stage=json.get("stage"),
            gallery=str(json["gallery"]),
            subject=json.get("subject"),
            priority=str(json.get("priority", "")),
            problem=json.get("problem"),
            created_at=str(json.get("created_at", "")),
            json=json,
        )
