"""A checkpoint: network weights with everything needed to use them, in one safetensors file.

The header's metadata is one JSON object: network and GEI settings, calibration, metrics and the
record of the training. Convolution and linear weights are stored as float16, norms as float32.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from model.calibration import Calibration
from model.gei import GeiConfig
from model.network_config import NetworkConfig

FORMAT = 1
METADATA_KEY = "walkprint"

Weights = dict[str, NDArray[np.float32]]


class CheckpointNotReadable(Exception):
    """The file is not a Walkprint checkpoint, is damaged, or comes from a newer version."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        checkpoint_id: names the weights and their settings, e.g. "l-resnet50-64x44-1a2b3c4d"; two
            files with the same id give the same embeddings.
        network: rebuilds the network.
        gei: how its GEIs are made.
        mirror_average: whether an embedding is the mean of a GEI's and its mirror image's.
        calibration: from error rates to thresholds.
        metrics: what `walkprint evaluate` measured, by data set.
        training: data, seed, commit, steps and times of the training.
        weights: tensors by name, as in the network's state.
    """

    checkpoint_id: str
    network: NetworkConfig
    gei: GeiConfig
    mirror_average: bool
    calibration: Calibration
    metrics: dict[str, Any]
    training: dict[str, Any]
    weights: Weights = field(repr=False)


def default_checkpoint_path() -> Path:
    """Where the weights that ship with Walkprint lie."""
    return Path(__file__).parent / "weights" / "default.safetensors"


def build_checkpoint(
    *,
    network: NetworkConfig,
    gei: GeiConfig,
    mirror_average: bool,
    calibration: Calibration,
    metrics: dict[str, Any],
    training: dict[str, Any],
    weights: Weights,
) -> Checkpoint:
    """Rounds the weights as the file will hold them, and names the result by its content."""
    stored = {name: _as_stored(name, tensor) for name, tensor in weights.items()}
    digest = hashlib.sha256()
    settings = {"network": asdict(network), "gei": asdict(gei), "mirror": mirror_average}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(stored):
        digest.update(name.encode())
        digest.update(stored[name].tobytes())
    size = f"{network.height}x{network.width}"
    return Checkpoint(
        checkpoint_id=f"{network.architecture}-{size}-{digest.hexdigest()[:8]}",
        network=network,
        gei=gei,
        mirror_average=mirror_average,
        calibration=calibration,
        metrics=metrics,
        training=training,
        weights={name: tensor.astype(np.float32) for name, tensor in stored.items()},
    )


def content_id(checkpoint: Checkpoint) -> str:
    """The name that a checkpoint's content earns: another than its own, if it was damaged."""
    return build_checkpoint(
        network=checkpoint.network,
        gei=checkpoint.gei,
        mirror_average=checkpoint.mirror_average,
        calibration=checkpoint.calibration,
        metrics=checkpoint.metrics,
        training=checkpoint.training,
        weights=checkpoint.weights,
    ).checkpoint_id


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes the file whole or not at all."""
    metadata = {
        "format": FORMAT,
        "checkpoint_id": checkpoint.checkpoint_id,
        "network": asdict(checkpoint.network),
        "gei": asdict(checkpoint.gei),
        "mirror_average": checkpoint.mirror_average,
        "calibration": asdict(checkpoint.calibration),
        "metrics": checkpoint.metrics,
        "training": checkpoint.training,
    }
    tensors = {name: _as_stored(name, tensor) for name, tensor in checkpoint.weights.items()}
    partial = path.with_suffix(".partial")
    partial.write_bytes(save(tensors, metadata={METADATA_KEY: json.dumps(metadata)}))
    partial.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        CheckpointNotReadable: missing, damaged, not ours, or of a newer format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path.name} is not a checkpoint that this Walkprint can read: {error}"
        raise CheckpointNotReadable(msg) from error
    return read_checkpoint(content, path.name)


def read_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Reads a checkpoint that lies in memory.

    Args:
        content: of the file. Nothing in it is run: the format holds tensors and one JSON header.
        name: of the file, for messages.

    Raises:
        CheckpointNotReadable: damaged, not ours, or of a newer format.
    """
    try:
        weights = {tensor: value.astype(np.float32) for tensor, value in load(content).items()}
        # A little-endian length, then the header; `load` has checked both.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = json.loads(header["__metadata__"][METADATA_KEY])
        if metadata["format"] > FORMAT:
            msg = f"{name} has format {metadata['format']}; this Walkprint reads up to {FORMAT}"
            raise CheckpointNotReadable(msg)
        return Checkpoint(
            checkpoint_id=metadata["checkpoint_id"],
            network=NetworkConfig(**metadata["network"]),
            gei=GeiConfig(**metadata["gei"]),
            mirror_average=metadata["mirror_average"],
            calibration=Calibration.from_json(metadata["calibration"]),
            metrics=metadata["metrics"],
            training=metadata["training"],
            weights=weights,
        )
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        msg = f"{name} is not a checkpoint that this Walkprint can read: {error}"
        raise CheckpointNotReadable(msg) from error


def _as_stored(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    """float16 for convolutions and linear layers; norms keep float32 (variances can be tiny)."""
    is_norm = "norm" in name or "neck" in name
    return np.ascontiguousarray(tensor, dtype=np.float32 if is_norm else np.float16)
