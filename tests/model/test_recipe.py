"""The whole way from nothing to a checkpoint file that serves, in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from model.checkpoint import load_checkpoint, save_checkpoint
from model.datasets.walk_set import WalkSet
from model.encoder import Encoder
from model.recipe import DEFAULT_RECIPE, FEWEST_PEOPLE, Generation, make_checkpoint


def test_a_recipe_makes_a_checkpoint_that_serves(tmp_path: Path) -> None:
    """Two steps teach nothing, but every part has run and left its record."""
    recipe = replace(DEFAULT_RECIPE, steps=2)
    generation = Generation(tmp_path, people=FEWEST_PEOPLE, processes=1, frames=26, frames_spread=0)
    made = make_checkpoint(recipe, generation)
    save_checkpoint(made, tmp_path / "checkpoint.safetensors")
    checkpoint = load_checkpoint(tmp_path / "checkpoint.safetensors")
    assert checkpoint.checkpoint_id == made.checkpoint_id
    assert checkpoint.training["people"] == FEWEST_PEOPLE
    assert checkpoint.training["images_seen"] == 2 * 64
    assert 0.0 <= checkpoint.training["validation_rank1"] <= 1.0
    assert checkpoint.calibration.subjects == FEWEST_PEOPLE
    thresholds = [
        checkpoint.calibration.threshold(target_fpir=0.01, gallery_size=size)
        for size in (1, 10_000)
    ]
    assert -1.0 < thresholds[0] < thresholds[1] <= 1.0
    walkers = WalkSet.open(tmp_path / "walkers" / "validation")
    vectors = Encoder(checkpoint, device="cpu").encode(walkers.geis_nhw[:3])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    groups = [
        set(WalkSet.open(tmp_path / "walkers" / name).subject_n.tolist())
        for name in ("train", "validation", "calibration")
    ]
    assert len(set().union(*groups)) == sum(len(group) for group in groups)
