"""A checkpoint file carries all that its weights need, and says when it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import (
    CheckpointNotReadable,
    build_checkpoint,
    default_checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from model.network_config import NetworkConfig
from tests.model.untrained import untrained_checkpoint

SMALL = NetworkConfig(embedding_size=8)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Settings, records and every weight, exactly."""
    saved = untrained_checkpoint(SMALL)
    save_checkpoint(saved, tmp_path / "one.safetensors")
    loaded = load_checkpoint(tmp_path / "one.safetensors")
    assert replace(loaded, weights={}) == replace(saved, weights={})
    assert loaded.weights.keys() == saved.weights.keys()
    for name, tensor in saved.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], tensor)
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]


def test_the_id_names_weights_and_settings() -> None:
    """The same content has the same id; one other weight or another GEI setting has another."""
    first = untrained_checkpoint(SMALL, seed=1)
    assert untrained_checkpoint(SMALL, seed=1).checkpoint_id == first.checkpoint_id
    assert untrained_checkpoint(SMALL, seed=2).checkpoint_id != first.checkpoint_id
    other_gei = build_checkpoint(
        network=first.network,
        gei=replace(first.gei, fewest_frames=20),
        mirror_average=first.mirror_average,
        calibration=first.calibration,
        metrics=first.metrics,
        training=first.training,
        weights=first.weights,
    )
    assert other_gei.checkpoint_id != first.checkpoint_id


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "foreign"])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    """Missing, text, cut short, or a safetensors file of somebody else."""
    path = tmp_path / "weights.safetensors"
    if damage == "text":
        path.write_text("not weights")
    elif damage == "cut":
        save_checkpoint(untrained_checkpoint(SMALL), path)
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "foreign":
        header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")
    with pytest.raises(CheckpointNotReadable, match=r"weights\.safetensors"):
        load_checkpoint(path)


def test_the_shipped_weights_fit_in_26_megabytes_and_carry_their_record() -> None:
    """Trained, not invented: the record names data, seed, commit and what was measured."""
    path = default_checkpoint_path()
    assert path.stat().st_size <= 26_000_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.network.architecture == "l-resnet50"
    assert {"config", "data", "images_seen", "seconds", "commit"} <= checkpoint.training.keys()
    assert checkpoint.calibration.comparisons > 10_000
    assert "walkers" in checkpoint.metrics
