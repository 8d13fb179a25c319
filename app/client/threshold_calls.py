"""What the client can ask about galleries' own thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from app.client.answers import Json
from app.client.connection import Connection


@dataclass(frozen=True, slots=True)
class TargetThreshold:
    """What one target means in a gallery.

    Attributes:
        target_fpir: share of strangers that may be taken for somebody enrolled.
        threshold: a cosine, for a walk of usual level.
        lowest: of the threshold's 95 % interval.
        highest: the same.
        false_non_match_rate: share of enrolled people's walks that would not be recognised; None
            where nobody has several walks.
        false_non_match_interval: its 95 % interval.
    """

    target_fpir: float
    threshold: float
    lowest: float
    highest: float
    false_non_match_rate: float | None
    false_non_match_interval: tuple[float, float] | None

    @classmethod
    def read(cls, json: Json) -> TargetThreshold:
        rate = json.get("false_non_match_rate")
        return cls(
            target_fpir=float(json["target_fpir"]),
            threshold=float(json["threshold"]),
            lowest=float(json["lowest"]),
            highest=float(json["highest"]),
            false_non_match_rate=None if rate is None else float(rate["value"]),
            false_non_match_interval=(
                None if rate is None else (float(rate["lowest"]), float(rate["highest"]))
            ),
        )


@dataclass(frozen=True, slots=True)
class GalleryThresholds:
    """What was measured of a gallery by one checkpoint."""

    checkpoint: str
    measured_at: str
    subjects: int
    comparisons: int
    out_of_date: bool
    targets: tuple[TargetThreshold, ...]
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> GalleryThresholds:
        return cls(
            checkpoint=str(json["checkpoint"]),
            measured_at=str(json["measured_at"]),
            subjects=int(json["subjects"]),
            comparisons=int(json["comparisons"]),
            out_of_date=bool(json["out_of_date"]),
            targets=tuple(TargetThreshold.read(row) for row in json["targets"]),
            json=json,
        )


class ThresholdCalls:
    """A part of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def calibrate_gallery(self, gallery: str) -> GalleryThresholds:
        """Has a gallery's thresholds measured; decisions use them from now on."""
        route = f"/galleries/{quote(gallery, safe='')}/calibrate"
        return GalleryThresholds.read(self._connection.send("POST", route, repeatable=True).json())

    def gallery_thresholds(self, gallery: str) -> list[GalleryThresholds]:
        """What was measured of a gallery, one entry per checkpoint."""
        route = f"/galleries/{quote(gallery, safe='')}"
        answer = self._connection.send("GET", route, repeatable=True).json()
        return [GalleryThresholds.read(row) for row in answer["thresholds"]]

    def forget_calibration(self, gallery: str) -> None:
        """Returns a gallery to the checkpoints' thresholds."""
        route = f"/galleries/{quote(gallery, safe='')}/calibration"
        self._connection.send("DELETE", route, repeatable=True)
