"""What an identification rests on, as values: the answer to `explain=true`."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field

from app.client.answers import Json


@dataclass(frozen=True, slots=True)
class PlacedMask:
    """The walker in one frame: a black and white PNG, its corner at `top`, `left` in pixels."""

    frame: int
    top: int
    left: int
    png: bytes = field(repr=False)

    @classmethod
    def read(cls, json: Json) -> PlacedMask:
        return cls(int(json["frame"]), int(json["top"]), int(json["left"]), b64decode(json["png"]))


@dataclass(frozen=True, slots=True)
class LegSpread:
    """Between the outermost pixels of shins and feet, as a share of the walker's height."""

    frame: int
    spread: float


@dataclass(frozen=True, slots=True)
class StrangerShare:
    """`share` of strangers have a best score in the gallery that reaches `score`."""

    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A walker's best walk as the service saw it, and how strangers would score.

    `strip_png` shows the aligned silhouettes of one gait cycle side by side. `correlation` is how
    like itself the walk is 0, 1, 2 … frames later; its first high peak is `period_frames`.
    """

    frame_width: int
    frame_height: int
    frames_per_second: float | None
    masks: tuple[PlacedMask, ...]
    strip_png: bytes = field(repr=False)
    strip_silhouettes: int
    legs: tuple[LegSpread, ...]
    correlation: tuple[float, ...]
    period_frames: float
    strangers: tuple[StrangerShare, ...]
    json: Json = field(repr=False, compare=False)

    def strangers_reaching(self, score: float) -> float | None:
        """The share of strangers who score at least so high; None where none was measured.

        Between two measured scores it is that of the lower one, so it is never said too small.
        """
        if not self.strangers:
            return None
        below = [one.share for one in self.strangers if one.score <= score]
        return min(below) if below else max(one.share for one in self.strangers)

    @classmethod
    def read(cls, json: Json) -> Explanation:
        rate = json.get("frames_per_second")
        return cls(
            frame_width=int(json["frame_width"]),
            frame_height=int(json["frame_height"]),
            frames_per_second=None if rate is None else float(rate),
            masks=tuple(PlacedMask.read(mask) for mask in json["masks"]),
            strip_png=b64decode(json["strip"]),
            strip_silhouettes=int(json["strip_silhouettes"]),
            legs=tuple(LegSpread(int(at["frame"]), float(at["spread"])) for at in json["legs"]),
            correlation=tuple(float(value) for value in json["correlation"]),
            period_frames=float(json["period_frames"]),
            strangers=tuple(
                StrangerShare(float(at["score"]), float(at["share"])) for at in json["strangers"]
            ),
            json=json,
        )
