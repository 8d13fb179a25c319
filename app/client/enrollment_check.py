"""What `check=true` answers, as values: what an enrolment would find. Nobody was enrolled."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.client.answers import Json
from app.client.recognition import PossibleDuplicate, SeenWalk


@dataclass(frozen=True, slots=True)
class CheckedWalk:
    """One pass of a recording. `good_enough`: an enrolment would store it.

    `recording` is its number in the call, from 1; `gei` where its gait energy image lies for a day.
    """

    recording: int
    good_enough: bool
    quality: Json
    seen: SeenWalk
    gei: str

    @classmethod
    def read(cls, json: Json) -> CheckedWalk:
        return cls(
            recording=int(json["recording"]),
            good_enough=bool(json["good_enough"]),
            quality=dict(json.get("quality") or {}),
            seen=SeenWalk.read(json),
            gei=str(json.get("gei", "")),
        )


@dataclass(frozen=True, slots=True)
class EnrollmentCheck:
    """How good walks are, before anybody is enrolled. `left_out` cannot be used at all."""

    subject: str
    gallery: str
    walks: tuple[CheckedWalk, ...]
    left_out: tuple[SeenWalk, ...]
    possible_duplicates: tuple[PossibleDuplicate, ...]
    checkpoint: str
    job: str
    json: Json = field(repr=False, compare=False)

    @property
    def would_enroll(self) -> bool:
        """Whether an enrolment would store at least one of the walks."""
        return any(walk.good_enough for walk in self.walks)

    @classmethod
    def read(cls, json: Json) -> EnrollmentCheck:
        return cls(
            subject=str(json["subject"]),
            gallery=str(json["gallery"]),
            walks=tuple(CheckedWalk.read(walk) for walk in json.get("walks", ())),
            left_out=tuple(SeenWalk.read(walk) for walk in json.get("left_out", ())),
            possible_duplicates=tuple(
                PossibleDuplicate.read(row) for row in json.get("possible_duplicates", ())
            ),
            checkpoint=str(json.get("checkpoint", "")),
            job=str(json.get("job", "")),
            json=json,
        )
