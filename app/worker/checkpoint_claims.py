"""What a checkpoint file may say of itself: the types and ranges that the service relies on.

A file is read with the settings it brings. One that was made to harm would be installed, serve, and
then fail every walk, decide by a threshold that is no number, or break every list that shows it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.registry.checkpoint_problems import CheckpointNotUsable
from model.calibration import HIGHEST_LEVEL, HIGHEST_ON_SCALE
from model.checkpoint import Checkpoint

# Far above what gait networks are and recordings take; a walk is bounded elsewhere too.
_MOST_CLASSES = 1_000_000
_MOST_CURVE_POINTS = 10_000
_MOST_RECORD_BYTES = 1024 * 1024
_MOST_COUNTED = 2**53

_Share = Annotated[float, Field(ge=0, le=1)]
_Seconds = Annotated[float, Field(gt=0, le=60)]
_Count = Annotated[int, Field(ge=0, le=_MOST_COUNTED)]


class _Claims(BaseModel):
    """Exactly these members, of exactly these types; no number that is none."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Network(_Claims):
    """See `model.network_config.NetworkConfig`."""

    architecture: Annotated[str, Field(pattern=r"^(l-resnet50|resnet50)$")]
    channels: Annotated[int, Field(ge=1, le=1)]
    height: Annotated[int, Field(ge=16, le=512)]
    width: Annotated[int, Field(ge=16, le=512)]
    embedding_size: Annotated[int, Field(ge=1, le=8192)]
    classes: Annotated[int, Field(ge=1, le=_MOST_CLASSES)] | None
    strips: Annotated[int, Field(ge=1, le=512)]
    last_stride: Annotated[int, Field(ge=1, le=2)]


class _Gei(_Claims):
    """See `model.gei.GeiConfig`."""

    height: int
    width: int
    smallest_area: _Share
    largest_height_jump: _Share
    shortest_cycle_seconds: _Seconds
    longest_cycle_seconds: _Seconds
    assumed_frames_per_second: Annotated[float, Field(ge=1, le=1000)]
    fewest_frames: Annotated[int, Field(ge=1, le=10_000)]
    fewest_cycles: Annotated[float, Field(gt=0, le=100)]
    least_motion: _Share
    least_sharpness: Annotated[float, Field(ge=0, le=2)]


class _ScoreSpread(_Claims):
    """See `model.calibration.ScoreSpread`."""

    rise: Annotated[float, Field(ge=-2, le=2)]
    deviation: Annotated[float, Field(gt=0, le=2)]


class _Calibration(_Claims):
    """See `model.calibration.Calibration`."""

    false_match_rates: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(max_length=_MOST_CURVE_POINTS)
    ]
    scores: Annotated[
        tuple[Annotated[float, Field(ge=-HIGHEST_ON_SCALE, le=HIGHEST_ON_SCALE)], ...],
        Field(max_length=_MOST_CURVE_POINTS),
    ]
    source: Annotated[str, Field(max_length=1000)]
    subjects: _Count
    comparisons: _Count
    gallery_exponent: Annotated[float, Field(gt=0, le=1)]
    usual_level: Annotated[float, Field(ge=-1, le=HIGHEST_LEVEL)]
    level_exponent: Annotated[float, Field(ge=0, le=1)]
    usual_spread: _ScoreSpread | None


class _Described(_Claims):
    network: _Network
    gei: _Gei
    mirror_average: bool
    calibration: _Calibration
    metrics: dict[str, Any]
    training: dict[str, Any]


def check_claims(checkpoint: Checkpoint) -> None:
    """Makes sure that what a file says of itself can be relied on and shown.

    Args:
        checkpoint: as it was read; nothing of it was checked.

    Raises:
        CheckpointNotUsable: a setting is of another type, out of its range or no number; or the
            record of the training or of the metrics cannot be stored as JSON.
    """
    try:
        described = _Described.model_validate(
            {
                "network": asdict(checkpoint.network),
                "gei": asdict(checkpoint.gei),
                "mirror_average": checkpoint.mirror_average,
                "calibration": asdict(checkpoint.calibration),
                "metrics": checkpoint.metrics,
                "training": checkpoint.training,
            }
        )
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in mistake["loc"])
        raise CheckpointNotUsable(f"What it says of {place} is not usable.") from None
    gei, network = described.gei, described.network
    if (gei.height, gei.width) != (network.height, network.width):
        raise CheckpointNotUsable("Its network does not take the images that its settings make.")
    if gei.shortest_cycle_seconds >= gei.longest_cycle_seconds:
        raise CheckpointNotUsable("Its shortest gait cycle is longer than its longest.")
    _check_text(described.calibration.source, checkpoint.metrics, checkpoint.training)


def _check_text(*claims: object) -> None:
    """Makes sure that both databases can store it, and every answer can show it."""
    try:
        text = json.dumps(claims, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        raise CheckpointNotUsable("Its record is not JSON that can be stored.") from None
    if size > _MOST_RECORD_BYTES or "\\u0000" in text:
        raise CheckpointNotUsable(
            f"Its record is longer than {_MOST_RECORD_BYTES} bytes, or holds the character U+0000."
        )
