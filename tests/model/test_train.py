"""Training goes on after a kill as if nothing had happened, learns, and writes down what it did."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.augment import AugmentConfig, augmented
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import WalkerSet, build_walker_set
from model.losses import batch_hard_triplet
from model.network_config import NetworkConfig
from model.train import TrainConfig, train

RECIPE = TrainConfig(
    network=NetworkConfig(embedding_size=16),
    steps=6,
    subjects_per_batch=2,
    walks_per_subject=2,
    warmup_steps=2,
    half_precision=False,
)


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> WalkerSet:
    """Three people, two walks each."""
    folder = tmp_path_factory.mktemp("walkers")
    config = WalkerSetConfig(identities=3, walks_per_identity=2, frames=30, fault_share=0.0)
    return build_walker_set(config, folder, processes=1)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / "state.pt", weights_only=True)["network"]
    return state


def test_an_interrupted_run_ends_with_the_same_weights(walkers: WalkerSet, tmp_path: Path) -> None:
    """Three steps, a restart from the saved state, three more: bit for bit the six in one go."""
    train(RECIPE, walkers, tmp_path / "whole")
    first_half = _stopped_after(3, walkers, tmp_path / "halves")
    assert first_half == 3
    train(RECIPE, walkers, tmp_path / "halves")
    whole, halves = _weights(tmp_path / "whole"), _weights(tmp_path / "halves")
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def _stopped_after(step: int, walkers: WalkerSet, folder: Path) -> int:
    """Trains and interrupts at `step`, as Ctrl-C would, right after a state was saved."""

    class Interrupting(Exception):
        pass

    def stop_at(done: int) -> None:
        if done == step:
            raise Interrupting

    with pytest.raises(Interrupting):
        train(RECIPE, walkers, folder, save_every_seconds=0.0, on_step=stop_at)
    saved: int = torch.load(folder / "state.pt", weights_only=True)["step"]
    return saved


def test_a_folder_of_another_recipe_is_refused(walkers: WalkerSet, tmp_path: Path) -> None:
    """Going on with other settings would be neither run."""
    train(replace(RECIPE, steps=1), walkers, tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        train(replace(RECIPE, steps=2, seed=9), walkers, tmp_path)


def test_the_record_and_the_log_say_what_was_done(walkers: WalkerSet, tmp_path: Path) -> None:
    """Recipe, data, people, images and a row of losses."""
    trained = train(RECIPE, walkers, tmp_path)
    assert trained.record["images_seen"] == 6 * 4
    assert trained.record["people"] == 3
    assert trained.record["walkers"] == walkers.fingerprint
    with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["6"]
    assert float(rows[0]["cross_entropy"]) > 0.0


def test_the_network_learns_to_tell_three_people_apart(walkers: WalkerSet, tmp_path: Path) -> None:
    """After 40 steps the cross-entropy is well below guessing."""
    recipe = replace(
        RECIPE,
        steps=30,
        subjects_per_batch=3,
        walks_per_subject=4,
        peak_rate=0.003,
        triplet_begins=1.0,
        label_smoothing=0.0,
        augment=AugmentConfig(flip=0, warp=0, fade=0, erase=0, gamma=0),
    )
    train(recipe, walkers, tmp_path)
    with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["cross_entropy"]) < 0.6 * np.log(3)


def test_the_triplet_loss_is_the_hardest_pair_s_gap() -> None:
    """Three unit vectors in the plane, worked out by hand."""
    embedding = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    subject = torch.tensor([0, 0, 1])
    # own and nearest other distances: (√2, 2), (√2, √2), (0, √2); margin 0.5
    expected = (0.0 + 0.5 + 0.0) / 3
    assert float(batch_hard_triplet(embedding, subject, 0.5)) == pytest.approx(expected, abs=1e-5)


def test_the_triplet_loss_has_a_gradient_for_equal_vectors() -> None:
    """The slope of the square root at zero must not make weights NaN."""
    embedding = torch.ones(4, 3, requires_grad=True)
    loss = batch_hard_triplet(embedding, torch.tensor([0, 0, 1, 1]), 0.2)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert embedding.grad is not None
    assert torch.isfinite(embedding.grad).all()


def test_augmentation_is_a_function_of_its_random_numbers() -> None:
    """Same seed, same images; values stay between nothing and everything; without chances
    nothing."""
    geis = np.random.default_rng(0).integers(0, 256, (6, 64, 44), dtype=np.uint8)
    always = AugmentConfig(flip=1, warp=1, fade=1, erase=1, gamma=1)
    first = augmented(geis, np.random.default_rng(5), always)
    np.testing.assert_array_equal(first, augmented(geis, np.random.default_rng(5), always))
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    assert np.abs(first - geis / 255.0).mean() > 0.05
    never = AugmentConfig(flip=0, warp=0, fade=0, erase=0, gamma=0)
    untouched = augmented(geis, np.random.default_rng(5), never)
    np.testing.assert_allclose(untouched, geis / 255.0, atol=1e-6)
