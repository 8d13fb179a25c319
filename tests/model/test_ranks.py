"""Two processes train as one would: the same curve, the same weights after a kill of both."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.datasets.walker_set import build_walker_set
from model.ranks import Ranks
from model.synced_norm import with_synced_norms
from model.train import train
from tests.model.training_rank import RECIPES, WALKERS, Wide, initial

# Seven processes that import torch take their time where other tests run beside them.
pytestmark = pytest.mark.timeout(900)

LOGGED_TO = 1e-6  # the log's last digit
# Of the largest weight of a tensor. The sums run in another order, and AdamW divides by small
# numbers; what was seen is in docs/training.md.
WEIGHTS_IN_FLOAT64 = 1e-9
CURVE_IN_FLOAT32 = 1e-3  # of the loss; 5e-6 on one processor, 1.3e-4 on another


@pytest.fixture(scope="module")
def walkers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walkers")
    build_walker_set(WALKERS, folder, processes=1)
    return folder


@pytest.fixture(scope="module")
def two_in_float32(walkers_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run by two processes that nobody disturbed."""
    folder = tmp_path_factory.mktemp("two")
    _torchrun(folder, walkers_folder, "float32")
    return folder


def _torchrun(folder: Path, walkers: Path, wide: Wide, *, killed_after: int | None = None) -> None:
    """Two processes over gloo, to their end or to the kill of both."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    killed = [] if killed_after is None else [str(killed_after)]
    run = subprocess.run(  # noqa: S603  # our own command
        [*command, "-m", "tests.model.training_rank", str(folder), str(walkers), wide, *killed],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (run.returncode != 0) == bool(killed), run.stderr[-3000:]


def _losses(folder: Path) -> list[float]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def _state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "state.pt", weights_only=True)
    return state


def _alone(folder: Path, walkers_folder: Path, wide: Wide) -> list[float]:
    """The losses of a run that one process made, or ended; by one thread, as each of the two:
    another number of threads is another order of sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(
            RECIPES[wide],
            build_walker_set(WALKERS, walkers_folder, processes=1),
            folder,
            initial=initial(),
            log_every_steps=1,
        )
    finally:
        torch.set_num_threads(threads)
    return _losses(folder)


def test_two_processes_take_the_steps_of_one(walkers_folder: Path, tmp_path: Path) -> None:
    """Loss by loss and weight by weight, in numbers wide enough to tell rounding from a mistake."""
    one, two = tmp_path / "one", tmp_path / "two"
    losses = _alone(one, walkers_folder, "float64")
    _torchrun(two, walkers_folder, "float64")
    assert len(losses) == RECIPES["float64"].steps
    np.testing.assert_allclose(_losses(two), losses, rtol=0, atol=LOGGED_TO)
    of_one, of_two = _state(one)["network"], _state(two)["network"]
    assert of_one.keys() == of_two.keys()
    for name, tensor in of_one.items():
        apart = (of_two[name] - tensor).abs().max()
        assert apart <= WEIGHTS_IN_FLOAT64 * tensor.abs().max(), name


def test_in_float32_they_stay_within_the_stated_tolerance(
    two_in_float32: Path, walkers_folder: Path, tmp_path: Path
) -> None:
    losses = _alone(tmp_path / "one", walkers_folder, "float32")
    np.testing.assert_allclose(_losses(two_in_float32), losses, rtol=CURVE_IN_FLOAT32)


def test_both_killed_and_started_again_end_with_the_bits_of_two_undisturbed(
    two_in_float32: Path, walkers_folder: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    _torchrun(killed, walkers_folder, "float32", killed_after=2)
    # The first to die takes the other along, which may not have saved its second step yet.
    assert _state(killed)["step"] in (1, 2)
    alone = tmp_path / "alone"
    shutil.copytree(killed, alone)
    _torchrun(killed, walkers_folder, "float32")
    undisturbed, resumed = _state(two_in_float32)["network"], _state(killed)["network"]
    assert undisturbed.keys() == resumed.keys()
    for name, tensor in undisturbed.items():
        assert torch.equal(tensor, resumed[name]), name
    assert _losses(killed) == _losses(two_in_float32)
    # One process may take up what two began.
    taken_up = _alone(alone, walkers_folder, "float32")
    np.testing.assert_allclose(taken_up, _losses(two_in_float32), rtol=CURVE_IN_FLOAT32)


def test_a_batch_that_cannot_be_shared_out_by_people_is_refused() -> None:
    with pytest.raises(ValueError, match="5 people cannot be shared out evenly to 2"):
        Ranks(0, 2).check_share(5)


def test_a_norm_without_momentum_is_refused_rather_than_trained_otherwise() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(2, momentum=None))
    with_synced_norms(network)
    with pytest.raises(ValueError, match="without momentum"):
        network(torch.zeros(4, 2))
