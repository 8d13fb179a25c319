"""What the service answers, as values: one frozen dataclass for each kind of answer.

Each is read from the JSON the service sent and keeps it in `json`, so that a key this version of
the client does not know yet is not lost. Scores and thresholds are cosine similarities, -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# An answer is whatever JSON the service sent; its values are checked where they are read.
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """One stored walk. `quality` is the capture quality as the service reports it."""

    id: str
    quality: Json
    direction: str | None
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Walk:
        return cls(
            id=str(json["id"]),
            quality=dict(json.get("quality") or {}),
            direction=json.get("direction"),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class SeenWalk:
    """One stretch in which one person walks in one direction, as a recording shows it.

    `used` is False where it gave no gait energy image or too poor a one; `problem` and `detail`
    then say why. The seconds are None where the frame rate is unknown.
    """

    first_frame: int
    last_frame: int
    from_seconds: float | None
    to_seconds: float | None
    direction: str | None
    used: bool
    problem: str | None
    detail: str | None

    @classmethod
    def read(cls, json: Json) -> SeenWalk:
        return cls(
            first_frame=int(json["first_frame"]),
            last_frame=int(json["last_frame"]),
            from_seconds=json.get("from_seconds"),
            to_seconds=json.get("to_seconds"),
            direction=json.get("direction"),
            used=bool(json.get("used", True)),
            problem=json.get("problem"),
            detail=json.get("detail"),
        )

    @property
    def when(self) -> str:
        """The stretch in words."""
        if self.from_seconds is None or self.to_seconds is None:
            return f"frames {self.first_frame} to {self.last_frame}"
        return f"{self.from_seconds:.1f} to {self.to_seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Walker:
    """One person of a recording; two people seen at the same time have different numbers."""

    number: int
    height_pixels: float
    walks: tuple[SeenWalk, ...]

    @classmethod
    def read(cls, json: Json) -> Walker:
        return cls(
            number=int(json["number"]),
            height_pixels=float(json["height_pixels"]),
            walks=tuple(SeenWalk.read(walk) for walk in json.get("walks", ())),
        )


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Somebody already enrolled who walks much like the person just enrolled."""

    subject: str
    score: float

    @classmethod
    def read(cls, json: Json) -> PossibleDuplicate:
        return cls(subject=str(json["subject"]), score=float(json["score"]))


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The answer of `POST /enroll`. `created` is False when the subject was known before.

    Every usable pass of a recording is one of `walks`; the others are `left_out`.
    """

    subject: str
    gallery: str
    created: bool
    walks: tuple[Walk, ...]
    left_out: tuple[SeenWalk, ...]
    possible_duplicates: tuple[PossibleDuplicate, ...]
    checkpoint: str
    job: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Enrollment:
        return cls(
            subject=str(json["subject"]),
            gallery=str(json["gallery"]),
            created=bool(json.get("created")),
            walks=tuple(Walk.read(walk) for walk in json.get("walks", ())),
            left_out=tuple(SeenWalk.read(walk) for walk in json.get("left_out", ())),
            possible_duplicates=tuple(
                PossibleDuplicate.read(row) for row in json.get("possible_duplicates", ())
            ),
            checkpoint=str(json.get("checkpoint", "")),
            job=str(json.get("job", "")),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One subject the probe may be; one row per subject, best first."""

    subject: str
    name: str | None
    score: float
    walk: str

    @classmethod
    def read(cls, json: Json) -> Candidate:
        return cls(
            subject=str(json["subject"]),
            name=json.get("name"),
            score=float(json["score"]),
            walk=str(json.get("walk", "")),
        )


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer of `POST /identify`. `subject` is None when the decision is "unknown".

    `score` is None when the gallery is empty. `quality` is of the walker's best walk. `timing`
    holds milliseconds per stage.
    """

    decision: str
    subject: str | None
    score: float | None
    threshold: float
    target_fpir: float
    gallery: str
    gallery_size: int
    checkpoint: str
    candidates: tuple[Candidate, ...]
    quality: Json
    walker: Walker | None
    timing: Json
    job: str
    json: Json = field(repr=False, compare=False)

    @property
    def is_match(self) -> bool:
        """True when the service names a subject."""
        return self.decision == "match"

    @classmethod
    def read(cls, json: Json) -> Identification:
        score = json.get("score")
        return cls(
            decision=str(json["decision"]),
            subject=json.get("subject"),
            score=None if score is None else float(score),
            threshold=float(json["threshold"]),
            target_fpir=float(json["target_fpir"]),
            gallery=str(json.get("gallery", "")),
            gallery_size=int(json["gallery_size"]),
            checkpoint=str(json["checkpoint"]),
            candidates=tuple(Candidate.read(row) for row in json["candidates"]),
            quality=dict(json.get("quality") or {}),
            walker=Walker.read(json["walker"]) if json.get("walker") else None,
            timing=dict(json.get("timing") or {}),
            job=str(json.get("job", "")),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class IdentifiedEverybody:
    """The answer of `POST /identify` with `walker=all`: one identification per walker.

    Of walkers who were seen at the same time no two are the same subject. `left_out` are people
    none of whose walks could be used.
    """

    walkers: tuple[Identification, ...]
    left_out: tuple[Walker, ...]
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> IdentifiedEverybody:
        common = {name: json[name] for name in ("gallery", "checkpoint", "job", "timing")}
        return cls(
            walkers=tuple(Identification.read({**common, **row}) for row in json["walkers"]),
            left_out=tuple(Walker.read(row) for row in json.get("left_out", ())),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of `POST /verify`: does this walk belong to the claimed subject?

    `score` is None when the subject has no template by the present checkpoint.
    """

    decision: str
    subject: str
    score: float | None
    threshold: float
    target_fmr: float
    checkpoint: str
    quality: Json
    walker: Walker | None
    json: Json = field(repr=False, compare=False)

    @property
    def is_match(self) -> bool:
        """True when the walk is accepted as the claimed subject's."""
        return self.decision == "match"

    @classmethod
    def read(cls, json: Json) -> Verification:
        score = json.get("score")
        return cls(
            decision=str(json["decision"]),
            subject=str(json["subject"]),
            score=None if score is None else float(score),
            threshold=float(json["threshold"]),
            target_fmr=float(json["target_fmr"]),
            checkpoint=str(json["checkpoint"]),
            quality=dict(json.get("quality") or {}),
            walker=Walker.read(json["walker"]) if json.get("walker") else None,
            json=json,
        )


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
    """A named set of subjects that is searched together."""

    name: str
    subjects: int
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Gallery:
        return cls(name=str(json["name"]), subjects=int(json.get("subjects", 0)), json=json)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was removed for good."""

    subjects: int
    walks: int
    templates: int
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Erasure:
        return cls(int(json["subjects"]), int(json["walks"]), int(json["templates"]), json)


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted piece of work. `state` is queued, running, succeeded or failed."""

    id: str
    kind: str
    state: str
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
            result=json.get("result"),
            problem=json.get("problem"),
            json=json,
        )
