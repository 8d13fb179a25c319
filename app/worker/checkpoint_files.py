"""Checkpoint files on their way into the registry, and out of it again."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np

from app.registry import IdempotencyKey, NewCheckpoint, Registry
from app.registry.checkpoint_problems import CheckpointNotHere, CheckpointNotUsable
from app.worker.checkpoint_claims import check_claims
from app.worker.storage import UploadStorage
from model.calibration import Calibration
from model.checkpoint import (
    Checkpoint,
    CheckpointNotReadable,
    build_checkpoint,
    default_checkpoint_path,
    load_checkpoint,
    read_checkpoint,
)
from model.encoder import Encoder

# One file at a time: each takes some hundred MB.
_READING = threading.Lock()
_SHOWN_CURVE_POINTS = 25


def shipped_checkpoint() -> NewCheckpoint:
    """The one that ships with this version; its weights stay in the package."""
    path = default_checkpoint_path()
    return NewCheckpoint(*_described(load_checkpoint(path), path.read_bytes(), keep=False))


def read_new_checkpoint(content: bytes, name: str) -> NewCheckpoint:
    """Reads a file that somebody sends, and makes sure that it can be run.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        CheckpointNotUsable: it cannot be read or run, or is not what its id says.
    """
    try:
        checkpoint = read_checkpoint(content, name)
        check_claims(checkpoint)
        _check_id(checkpoint)
        _check_forward_pass(checkpoint)
    except CheckpointNotReadable as error:
        raise CheckpointNotUsable(f"{error}.") from error
    except CheckpointNotUsable:
        raise
    except Exception as error:  # whatever a runtime says to a graph that makes no sense
        raise CheckpointNotUsable(
            f"The network of {name} cannot be run ({type(error).__name__})."
        ) from error
    return NewCheckpoint(*_described(checkpoint, content, keep=True))


def install_upload(
    registry: Registry,
    storage: UploadStorage,
    upload: str,
    filename: str,
    key: IdempotencyKey | None,
) -> tuple[str, bool]:
    """Reads an uploaded file and installs it.

    Args:
        registry: keeps checkpoints.
        storage: holds the upload, which stays there.
        upload: its name in storage.
        filename: as the caller calls it.
        key: the caller's Idempotency-Key, if there is one.

    Returns:
        The checkpoint's id, and False when it was installed before.

    Raises:
        CheckpointNotUsable: the file cannot be read or run.
        IdempotencyKeyReused: the key was used for another call.
    """
    with _READING, storage.fetched([upload]) as (path,):
        new = read_new_checkpoint(path.read_bytes(), filename)
    return new.id, registry.checkpoints.install(new, key)


def read_checkpoint_file(path: Path) -> NewCheckpoint:
    """The same for a file on this machine.

    Raises:
        CheckpointNotUsable: as `read_new_checkpoint`, or there is no such file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointNotUsable(f"{path.name} cannot be read: {error.strerror}.") from error
    return read_new_checkpoint(content, path.name)


def stored_checkpoint(registry: Registry, checkpoint_id: str) -> Checkpoint:
    """A checkpoint by its id, from the registry or from the package.

    Raises:
        UnknownCheckpoint: none of this id is installed.
        CheckpointNotHere: its weights are in neither place.
    """
    content = registry.checkpoints.weights(checkpoint_id)
    if content is not None:
        return read_checkpoint(content, checkpoint_id)
    shipped = load_checkpoint(default_checkpoint_path())
    if shipped.checkpoint_id != checkpoint_id:
        raise CheckpointNotHere(checkpoint_id)
    return shipped


def _described(
    checkpoint: Checkpoint, content: bytes, *, keep: bool
) -> tuple[str, bytes | None, dict[str, object]]:
    about: dict[str, object] = {
        "network": asdict(checkpoint.network),
        "gei": asdict(checkpoint.gei),
        "mirror_average": checkpoint.mirror_average,
        "calibration": {
            "source": checkpoint.calibration.source,
            "subjects": checkpoint.calibration.subjects,
            "comparisons": checkpoint.calibration.comparisons,
            "curve": _thinned(checkpoint.calibration),
        },
        "metrics": checkpoint.metrics,
        "training": checkpoint.training,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return checkpoint.checkpoint_id, content if keep else None, about


def _thinned(calibration: Calibration) -> list[dict[str, float]]:
    """Some points of the false-match curve, from the highest rate to the lowest, for people."""
    points = list(zip(calibration.false_match_rates, calibration.scores, strict=True))
    steps = np.linspace(0, len(points) - 1, min(len(points), _SHOWN_CURVE_POINTS))
    return [
        {"false_match_rate": rate, "score": score}
        for rate, score in (points[round(step)] for step in steps)
    ]


def _check_id(checkpoint: Checkpoint) -> None:
    """The id names weights and settings by their content, so that no two can share one."""
    rebuilt = build_checkpoint(
        network=checkpoint.network,
        gei=checkpoint.gei,
        mirror_average=checkpoint.mirror_average,
        calibration=checkpoint.calibration,
        metrics={},
        training={},
        weights=checkpoint.weights,
    )
    if not re.fullmatch(r"[a-z0-9.-]{1,128}", rebuilt.checkpoint_id):
        raise CheckpointNotUsable("It says of its network what no network here is called.")
    if rebuilt.checkpoint_id != checkpoint.checkpoint_id:
        raise CheckpointNotUsable(
            f"Its content is '{rebuilt.checkpoint_id}' and not '{checkpoint.checkpoint_id}', as it"
            " says: it was changed after it was written."
        )


def _check_forward_pass(checkpoint: Checkpoint) -> None:
    encoder = Encoder(checkpoint, device="cpu", threads=1, runtime="onnxruntime")
    blank_nhw = np.zeros((1, checkpoint.gei.height, checkpoint.gei.width), np.uint8)
    # Not so where a weight is no number, or all of them are zero.
    if not np.allclose(np.linalg.norm(encoder.encode(blank_nhw), axis=1), 1.0, atol=1e-3):
        raise CheckpointNotUsable("Its network gives no embedding of length 1.")
