"""The shapes of answers about checkpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app import registry


class CheckpointRow(BaseModel):
    """An installed checkpoint."""

    id: str
    active: Annotated[bool, Field(description="Whether it serves.")]
    here: Annotated[bool, Field(description="Whether its weights can be loaded.")]
    installed_at: datetime
    walks_with_template: int
    walks_without_template: Annotated[
        int, Field(description="Stored walks that it would not find if it served now.")
    ]
    about: Annotated[
        dict[str, Any], Field(description="Network, GEI settings, metrics, training, digest.")
    ]

    @classmethod
    def of(cls, checkpoint: registry.InstalledCheckpoint, *, here: bool) -> CheckpointRow:
        return cls(
            id=checkpoint.id,
            active=checkpoint.active,
            here=here,
            installed_at=checkpoint.installed_at,
            walks_with_template=checkpoint.walks_with_template,
            walks_without_template=checkpoint.walks_without_template,
            about=checkpoint.about,
        )


class CheckpointRows(BaseModel):
    checkpoints: list[CheckpointRow]


class CheckpointState(CheckpointRow):
    """One checkpoint, with what could be lost by activating it."""

    refusals: Annotated[
        dict[str, int],
        Field(description="How many stored walks it can never embed, by the reason."),
    ]


class RefusedWalk(BaseModel):
    walk: str
    reason: str


class RefusedWalks(BaseModel):
    walks: list[RefusedWalk]
    next: Annotated[str | None, Field(description="Send it as `cursor` for the next page.")]


class ReembeddingRow(BaseModel):
    """Stored walks being embedded by a checkpoint."""

    checkpoint: str
    state: Literal["running", "paused", "complete", "cancelled", "failed"]
    done: Annotated[int, Field(description="Walks passed.")]
    refused: Annotated[int, Field(description="Those among them that cannot be embedded.")]
    total: Annotated[int, Field(description="Walks that lacked a template when it began.")]
    accept_loss: bool
    problem: Annotated[
        dict[str, Any] | None,
        Field(description="Why it failed, or why the checkpoint did not take over."),
    ]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, reembedding: registry.Reembedding) -> ReembeddingRow:
        return cls(
            checkpoint=reembedding.checkpoint_id,
            state=reembedding.state,
            done=reembedding.done,
            refused=reembedding.refused,
            total=reembedding.total,
            accept_loss=reembedding.accept_loss,
            problem=reembedding.problem,
            created_at=reembedding.created_at,
            updated_at=reembedding.updated_at,
        )


class SwitchRow(BaseModel):
    """What became of a wish to activate."""

    checkpoint: str
    state: Annotated[
        Literal["active", "embedding"],
        Field(description="`embedding`: it serves once all stored walks are embedded by it."),
    ]


class RemovedCheckpoint(BaseModel):
    """What went with a checkpoint."""

    checkpoint: str
    templates: int
