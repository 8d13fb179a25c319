"""The shape of what an identification rests on, for those who asked for it (`explain=true`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class PlacedMask(BaseModel):
    """The walker in one frame."""

    frame: Annotated[int, Field(description="Of the recording, from 0.")]
    top: Annotated[int, Field(description="First row of the mask in the frame, in pixels.")]
    left: Annotated[int, Field(description="First column, in pixels.")]
    png: Annotated[str, Field(description="Black and white PNG, in Base64.")]


class LegsAt(BaseModel):
    frame: int
    spread: Annotated[
        float, Field(description="Between the outermost pixels of shins and feet, by the height.")
    ]


class StrangersAt(BaseModel):
    score: float
    share: Annotated[
        float, Field(description="Of strangers whose best score in this gallery reaches it.")
    ]


class Explanation(BaseModel):
    """One walker's best walk as the service saw it, and how strangers would score."""

    frame_width: Annotated[int, Field(description="Of the frames that masks are placed in.")]
    frame_height: int
    frames_per_second: float | None
    masks: Annotated[list[PlacedMask], Field(description="At most 600, evenly over the walk.")]
    strip: Annotated[
        str,
        Field(description="Aligned silhouettes of one gait cycle side by side; PNG in Base64."),
    ]
    strip_silhouettes: int
    legs: list[LegsAt]
    correlation: Annotated[
        list[float],
        Field(description="How like itself the walk is 0, 1, 2 … frames later; at most 1."),
    ]
    period_frames: Annotated[float, Field(description="Of one gait cycle: the peak of that.")]
    strangers: Annotated[
        list[StrangersAt],
        Field(
            description="What the threshold was read off: it is where `share` is the target FPIR."
        ),
    ]
