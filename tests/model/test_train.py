"""Training goes on after a kill as if nothing had happened, learns, and writes down what it did."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.augment import AugmentConfig, augmented
from model.batches import TooFewPeople, TrainingWalks, make_batch
from model.checkpoint import Checkpoint
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.gei import GeiConfig
from model.half_precision import multiplies_bfloat16
from model.losses import batch_hard_triplet
from model.network_config import NetworkConfig
from model.train import train
from model.train_config import TrainConfig, with_optimizer
from model.train_log import loss_curve
from tests.model.untrained import untrained_checkpoint

SMALL = GeiConfig(height=32, width=22)
RECIPE = TrainConfig(
    network=NetworkConfig(height=32, width=22, embedding_size=16),
    steps=6,
    subjects_per_batch=2,
    walks_per_subject=2,
    warmup_steps=2,
    precision="float32",
)


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """Three people, two walks each."""
    folder = tmp_path_factory.mktemp("walkers")
    config = WalkerSetConfig(
        identities=3, walks_per_identity=2, frames=30, fault_share=0.0, gei=SMALL
    )
    return build_walker_set(config, folder, processes=1)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """Two more people, one walk each."""
    folder = tmp_path_factory.mktemp("others")
    config = WalkerSetConfig(
        first_identity=10, identities=2, walks_per_identity=1, frames=30, gei=SMALL
    )
    return build_walker_set(config, folder, processes=1)


@pytest.fixture(scope="module")
def initial() -> Checkpoint:
    """Some weights of the recipe's network."""
    return untrained_checkpoint(RECIPE.network)


def _state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "state.pt", weights_only=True)
    return state


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _trained_in_two_halves(
    recipe: TrainConfig, walkers: WalkSet, folder: Path, initial: Checkpoint | None
) -> None:
    """Trains, interrupts after half of the steps as Ctrl-C would, and goes on from the disk."""

    class Interrupting(Exception):
        pass

    def stop_at(done: int) -> None:
        if done == recipe.steps // 2:
            raise Interrupting

    with pytest.raises(Interrupting):
        train(recipe, walkers, folder, initial=initial, save_every_seconds=0.0, on_step=stop_at)
    assert _state(folder)["step"] == recipe.steps // 2
    train(recipe, walkers, folder, initial=initial)


@pytest.mark.parametrize(
    ("recipe", "starts_from_weights"),
    [
        (RECIPE, False),
        (replace(with_optimizer(RECIPE, "sgd"), weight_average=0.9, nesterov=True), True),
    ],
    ids=["AdamW", "SGD with an average, from a checkpoint"],
)
def test_an_interrupted_run_ends_with_the_same_weights(
    recipe: TrainConfig,
    starts_from_weights: bool,
    initial: Checkpoint,
    walkers: WalkSet,
    tmp_path: Path,
) -> None:
    """Three steps, a restart from the saved state, three more: bit for bit the six in one go."""
    first = initial if starts_from_weights else None
    whole = train(recipe, walkers, tmp_path / "whole", initial=first)
    _trained_in_two_halves(recipe, walkers, tmp_path / "halves", first)
    at_once, in_halves = _state(tmp_path / "whole"), _state(tmp_path / "halves")
    for part in ("network", "average"):
        for name, tensor in (at_once[part] or {}).items():
            assert torch.equal(tensor, in_halves[part][name]), name
    if starts_from_weights:
        given = whole.network.state_dict()["stem.convolution.weight"]
        assert not torch.equal(given, at_once["network"]["stem.convolution.weight"])
        assert torch.equal(given, at_once["average"]["module.stem.convolution.weight"])


def test_a_folder_of_another_recipe_data_set_or_start_is_refused(
    walkers: WalkSet, others: WalkSet, initial: Checkpoint, tmp_path: Path
) -> None:
    """Going on with other settings would be neither run."""
    recipe = replace(RECIPE, steps=1)
    train(recipe, walkers, tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        train(replace(recipe, steps=2), walkers, tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        train(recipe, others, tmp_path)
    with pytest.raises(ValueError, match="initial checkpoint"):
        train(recipe, walkers, tmp_path, initial=initial)


def test_the_record_the_log_and_tensorboard_say_what_was_done(
    walkers: WalkSet, initial: Checkpoint, tmp_path: Path
) -> None:
    """Recipe, data, people, images, initial weights, and one row of figures in both logs."""
    trained = train(RECIPE, walkers, tmp_path, initial=initial)
    assert trained.record["images_seen"] == 6 * 4
    assert trained.record["people"] == 3
    assert trained.record["data"] == [f"{walkers.fingerprint} P=recipe"]
    assert trained.record["initial"] == initial.checkpoint_id
    (row,) = _rows(tmp_path)
    assert row["step"] == "6"
    assert trained.record["losses"] == [{"step": 6, "loss": float(row["loss"])}]
    assert float(row["images_per_second"]) > 0.0
    curves = EventAccumulator(str(tmp_path / "tensorboard"))
    curves.Reload()
    (point,) = curves.Scalars("cross_entropy")
    assert point.step == 6
    assert point.value == pytest.approx(float(row["cross_entropy"]), abs=1e-5)


def test_bfloat16_is_float32_where_the_processor_cannot_multiply_it(
    walkers: WalkSet, tmp_path: Path
) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        recipe = replace(RECIPE, steps=1, precision=precision)
        trained = train(recipe, walkers, tmp_path / precision)
        losses[precision] = [row["loss"] for row in _rows(tmp_path / precision)]
    equal = losses["bfloat16"] == losses["float32"]
    assert equal != multiplies_bfloat16("cpu")
    assert trained.record["computed_in"] == ("float32" if equal else "bfloat16")


def test_a_long_log_becomes_a_short_curve_with_both_ends(tmp_path: Path) -> None:
    assert loss_curve(tmp_path) == []
    rows = "".join(f"{step},{1000 / step}\n" for step in range(1, 1001))
    (tmp_path / "log.csv").write_text(f"step,loss\n{rows}")
    curve = loss_curve(tmp_path)
    assert len(curve) == 80
    assert (curve[0], curve[-1]) == ({"step": 1, "loss": 1000.0}, {"step": 1000, "loss": 1.0})
    assert [point["step"] for point in curve] == sorted({point["step"] for point in curve})


def test_the_bar_shows_loss_accuracy_and_speed(walkers: WalkSet, tmp_path: Path) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=160)
    train(replace(RECIPE, steps=1), walkers, tmp_path, console=console)
    assert "1/1 steps" in screen.getvalue()
    for word in ("loss ", " right", "images/s", "left"):
        assert word in screen.getvalue()


@pytest.mark.parametrize("architecture", ["l-resnet50", "resnet50"])
def test_the_paper_s_classifier_and_both_networks_learn_three_people(
    architecture: Any, walkers: WalkSet, tmp_path: Path
) -> None:
    """After 20 steps without an embedding or a triplet loss, well below guessing."""
    recipe = replace(
        RECIPE,
        network=replace(RECIPE.network, architecture=architecture, embedding_size=None),
        steps=20,
        subjects_per_batch=3,
        walks_per_subject=4,
        shortest_window=None,
        peak_rate=0.003,
        triplet_weight=0.0,
        label_smoothing=0.0,
        augment=AugmentConfig.none(),
    )
    train(recipe, walkers, tmp_path)
    last = _rows(tmp_path)[-1]
    assert float(last["cross_entropy"]) < 0.6 * np.log(3)
    assert last["loss"] == last["cross_entropy"]


def test_several_data_sets_share_a_batch_and_their_people_are_counted_on(
    walkers: WalkSet, others: WalkSet, tmp_path: Path
) -> None:
    """Two of the three first people and one of the two others, who are the fourth and fifth."""
    sources = (TrainingWalks(walkers), TrainingWalks(others, subjects_per_batch=1))
    labels = make_batch(RECIPE, sources, step=0).label_n.tolist()
    assert len(labels) == 6
    assert len(set(labels[:4])) == 2
    assert set(labels[:4]) < {0, 1, 2}
    assert set(labels[4:]) in ({3}, {4})
    trained = train(replace(RECIPE, steps=1), sources, tmp_path)
    assert (trained.record["people"], trained.record["images_seen"]) == (5, 6)


def test_whole_cycle_geis_are_taken_as_they_are_where_no_window_is_wanted(
    walkers: WalkSet,
) -> None:
    recipe = replace(
        RECIPE, shortest_window=None, subjects_per_batch=3, augment=AugmentConfig.none()
    )
    images = make_batch(recipe, (TrainingWalks(walkers),), step=0).images_nchw.numpy()[:, 0]
    distance = np.abs(images[:, None] - walkers.geis_nhw[None] / np.float32(255)).max(axis=(2, 3))
    assert distance.min(axis=1).max() < 1e-6
    assert set(distance.argmin(axis=1).tolist()) == set(range(6))


def test_too_few_people_or_walks_of_another_size_are_refused_in_words(
    walkers: WalkSet, tmp_path: Path
) -> None:
    with pytest.raises(TooFewPeople, match="takes 4 people, but there are only 3"):
        train(replace(RECIPE, subjects_per_batch=4), walkers, tmp_path)
    large = replace(RECIPE, network=NetworkConfig(embedding_size=16))
    with pytest.raises(ValueError, match="32×22 pixels, the network takes 64×44"):
        train(large, walkers, tmp_path)
    with pytest.raises(ValueError, match="float16 training needs a GPU"):
        train(replace(RECIPE, precision="float16"), walkers, tmp_path)


def test_frozen_statistics_stay_as_the_checkpoint_has_them(
    walkers: WalkSet, initial: Checkpoint, tmp_path: Path
) -> None:
    """The trunk's means and variances stay, its weights and the BNNeck's means do not."""
    recipe = replace(RECIPE, steps=2, frozen_trunk_statistics=True)
    trained = train(recipe, walkers, tmp_path, initial=initial).network.state_dict()

    def kept(name: str) -> bool:
        return bool(np.array_equal(trained[name].numpy(), initial.weights[name]))

    assert kept("stem.norm.running_mean")
    assert kept("stages.3.2.expand.cheap_norm.running_var")
    assert not kept("stem.convolution.weight")
    assert not kept("neck.running_mean")


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
    untouched = augmented(geis, np.random.default_rng(5), AugmentConfig.none())
    np.testing.assert_allclose(untouched, geis / 255.0, atol=1e-6)
