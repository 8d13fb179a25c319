"""What the service answers about walks, as values: who was enrolled, who it is, and what was seen.

As in `answers.py`, each keeps the JSON it was read from. Scores and thresholds are cosine
similarities, -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.client.answers import Json


@dataclass(frozen=True, slots=True)
class StoredWalk:
    """One stored walk. `quality` is the capture quality as the service reports it."""

    id: str
    quality: Json
    direction: str | None
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> StoredWalk:
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

    Every pass of a recording that was stored is one of `walks`; the others are `left_out`.
    `replaced` are ids of earlier walks that were erased to make room, where the gallery keeps only
    the best few of each subject.
    """

    subject: str
    gallery: str
    created: bool
    walks: tuple[StoredWalk, ...]
    left_out: tuple[SeenWalk, ...]
    replaced: tuple[str, ...]
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
            walks=tuple(StoredWalk.read(walk) for walk in json.get("walks", ())),
            left_out=tuple(SeenWalk.read(walk) for walk in json.get("left_out", ())),
            replaced=tuple(json.get("replaced", ())),
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
class ThresholdSource:
    """What a threshold rests on: people of the gallery, or those of the checkpoint's calibration.

    `lowest` and `highest` are the ends of the threshold's 95 % interval, None of a checkpoint. A
    gallery that was measured and has since doubled or halved is `out_of_date`.
    """

    kind: str
    subjects: int
    measured_at: str | None
    lowest: float | None
    highest: float | None
    out_of_date: bool

    @classmethod
    def read(cls, json: Json) -> ThresholdSource:
        return cls(
            kind=str(json["kind"]),
            subjects=int(json["subjects"]),
            measured_at=json.get("measured_at"),
            lowest=json.get("lowest"),
            highest=json.get("highest"),
            out_of_date=bool(json["out_of_date"]),
        )

    @classmethod
    def of_answer(cls, json: Json) -> ThresholdSource | None:
        """Of an identification or verification; None where an older service answered."""
        return cls.read(json["threshold_source"]) if "threshold_source" in json else None


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer of `POST /identify`. `subject` is None when the decision is "unknown".

    `score` is None when the gallery is empty. `quality` is of the walker's best walk. `timing`
    holds milliseconds per stage. `is_explained`: `explain=True` asked for what it rests on, which
    `Client.explanation` gives.
    """

    decision: str
    subject: str | None
    score: float | None
    threshold: float
    target_fpir: float
    threshold_source: ThresholdSource | None
    gallery: str
    gallery_size: int
    checkpoint: str
    candidates: tuple[Candidate, ...]
    quality: Json
    walker: Walker | None
    timing: Json
    job: str
    is_explained: bool
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
            threshold_source=ThresholdSource.of_answer(json),
            gallery=str(json.get("gallery", "")),
            gallery_size=int(json["gallery_size"]),
            checkpoint=str(json["checkpoint"]),
            candidates=tuple(Candidate.read(row) for row in json["candidates"]),
            quality=dict(json.get("quality") or {}),
            walker=Walker.read(json["walker"]) if json.get("walker") else None,
            timing=dict(json.get("timing") or {}),
            job=str(json.get("job", "")),
            is_explained=json.get("explanation") is not None,
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
    job: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> IdentifiedEverybody:
        common = {name: json[name] for name in ("gallery", "checkpoint", "job", "timing")}
        return cls(
            walkers=tuple(Identification.read({**common, **row}) for row in json["walkers"]),
            left_out=tuple(Walker.read(row) for row in json.get("left_out", ())),
            job=str(json["job"]),
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
    threshold_source: ThresholdSource | None
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
            threshold_source=ThresholdSource.of_answer(json),
            checkpoint=str(json["checkpoint"]),
            quality=dict(json.get("quality") or {}),
            walker=Walker.read(json["walker"]) if json.get("walker") else None,
            json=json,
        )
