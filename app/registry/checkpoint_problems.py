"""What keeps a checkpoint from being installed, activated or removed."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import Problem


class UnknownCheckpoint(Problem):
    """No checkpoint with this id is installed."""

    status = 404
    slug = "unknown-checkpoint"
    title = "No checkpoint has this id"
    advice = "GET /checkpoints lists the installed ones; POST /checkpoints installs a file."

    def __init__(self, checkpoint: str) -> None:
        super().__init__(
            f"No checkpoint with the id '{checkpoint}' is installed.", checkpoint=checkpoint
        )


class NoReembedding(Problem):
    """Nothing is, or was, made of this checkpoint's templates that could be shown or changed."""

    status = 404
    slug = "no-reembedding"
    title = "No re-embedding is under way"
    advice = "POST /checkpoints/{id}/activate starts one where walks lack templates."

    def __init__(self, checkpoint: str) -> None:
        super().__init__(f"No walks are being embedded by '{checkpoint}'.", checkpoint=checkpoint)


class CheckpointNotUsable(Problem):
    """The file is not a checkpoint that this version of Walkprint can run."""

    status = 422
    slug = "checkpoint-not-usable"
    title = "The file is not a checkpoint that can be used"
    advice = "Send the .safetensors file that `walkprint train` or `walkprint finetune` wrote."


class CheckpointNotHere(Problem):
    """The checkpoint is known by name, but its weights are not in this installation.

    It shipped with another version of Walkprint, or made templates before checkpoints were kept.
    """

    status = 503
    slug = "checkpoint-not-here"
    title = "The checkpoint's weights are not here"
    advice = (
        "Install its file: `walkprint checkpoints install FILE`, or start with WALKPRINT_CHECKPOINT"
        " set to it. Or let another checkpoint take over: `walkprint checkpoints activate ID`."
    )

    def __init__(self, checkpoint: str) -> None:
        super().__init__(
            f"The weights of '{checkpoint}' are neither installed nor shipped with this version.",
            checkpoint=checkpoint,
        )


class CheckpointInUse(Problem):
    """The checkpoint serves, or walks are being embedded by it, so it cannot be removed."""

    status = 409
    slug = "checkpoint-in-use"
    title = "The checkpoint is in use"
    advice = "Activate another checkpoint, or cancel the re-embedding, before you remove this one."

    def __init__(self, checkpoint: str) -> None:
        super().__init__(f"The checkpoint '{checkpoint}' is in use.", checkpoint=checkpoint)


class ReembeddingUnderWay(Problem):
    """Walks are being embedded by another checkpoint; one is done at a time."""

    status = 409
    slug = "reembedding-under-way"
    title = "Walks are being embedded by another checkpoint"
    advice = (
        "Wait for it (GET /checkpoints/{id}/reembedding), or cancel it with"
        " POST /checkpoints/{id}/reembedding/cancel."
    )

    def __init__(self, checkpoint: str) -> None:
        super().__init__(f"Walks are being embedded by '{checkpoint}'.", checkpoint=checkpoint)


class WalksWouldBeLost(Problem):
    """Some walks can never have a template by this checkpoint, so searches would miss them."""

    status = 409
    slug = "walks-would-be-lost"
    title = "Some walks cannot be embedded by this checkpoint"
    advice = (
        "GET /checkpoints/{id}/refusals names the walks. Record those people again after the"
        " switch; add ?accept_loss=true to switch without them."
    )

    def __init__(self, checkpoint: str, walks_by_reason: Mapping[str, int]) -> None:
        walks = sum(walks_by_reason.values())
        super().__init__(
            f"{walks} stored walks cannot be embedded by '{checkpoint}'.",
            checkpoint=checkpoint,
            walks=walks,
            reasons=[f"{reason}: {count}" for reason, count in sorted(walks_by_reason.items())],
        )


class NothingToRollBackTo(Problem):
    """No other checkpoint has served before the present one."""

    status = 409
    slug = "nothing-to-roll-back-to"
    title = "There is no earlier checkpoint"
    advice = "GET /checkpoints lists what is installed; activate one of them instead."
