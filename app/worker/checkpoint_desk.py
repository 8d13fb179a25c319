"""Where http hands in checkpoints and has them take over. Knows no OpenCV and no network."""

from __future__ import annotations

from collections.abc import Callable

from app.registry import IdempotencyKey, InstalledCheckpoint, Registry, Switch
from app.registry.checkpoint_problems import CheckpointNotHere

# Installs an uploaded checkpoint: (its name in storage, as the caller calls it, the call's key) ->
# its id, and whether it is new.
Install = Callable[[str, str, IdempotencyKey | None], tuple[str, bool]]


class CheckpointDesk:
    """Installs, activates and rolls back; whatever needs no more than SQL is the registry's.

    Args:
        registry: keeps checkpoints.
        install: reads an uploaded file and installs it; takes a few seconds.
        shipped: the id of the checkpoint in this package; None while it is read.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        install: Install,
        shipped: Callable[[], str | None],
    ) -> None:
        self._registry = registry
        self._install = install
        self._shipped = shipped

    def is_here(self, checkpoint: InstalledCheckpoint) -> bool:
        """Whether its weights can be loaded."""
        return checkpoint.has_weights or checkpoint.id == self._shipped()

    def install(
        self, upload: str, filename: str, key: IdempotencyKey | None
    ) -> tuple[InstalledCheckpoint, bool]:
        """Installs an uploaded file.

        Args:
            upload: its name in storage; stays there.
            filename: as the caller calls it.
            key: the caller's Idempotency-Key, if there is one.

        Returns:
            The checkpoint, and False when it was installed before.

        Raises:
            CheckpointNotUsable: the file cannot be read or run.
            IdempotencyKeyReused: the key was used for another call.
        """
        checkpoint_id, created = self._install(upload, filename, key)
        return self._registry.checkpoints.get(checkpoint_id), created

    def activate(
        self, checkpoint_id: str, *, accept_loss: bool, key: IdempotencyKey | None
    ) -> Switch:
        """Has a checkpoint serve; see `Switching.activate`.

        Raises:
            CheckpointNotHere: its weights are missing.
        """
        self._require_here(checkpoint_id)
        return self._registry.switching.activate(checkpoint_id, accept_loss=accept_loss, key=key)

    def roll_back(self, *, accept_loss: bool, key: IdempotencyKey | None) -> Switch:
        """Has the checkpoint serve that served before; see `Switching.roll_back`.

        Raises:
            CheckpointNotHere: its weights are missing.
        """
        earlier = self._registry.switching.earlier()
        if earlier is not None:
            self._require_here(earlier)
        return self._registry.switching.roll_back(accept_loss=accept_loss, key=key)

    def _require_here(self, checkpoint_id: str) -> None:
        if not self.is_here(self._registry.checkpoints.get(checkpoint_id)):
            raise CheckpointNotHere(checkpoint_id)
