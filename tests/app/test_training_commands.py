"""`walkprint train` and `finetune`: recipes in words, data of real people, clear refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from app.walker_files import write_walk
from model.recipe import DEFAULT_RECIPE
from model.walkers import Identity, Shot, walk_masks_thw
from tests.app.command import Run, runner

FIRST_SEED = 9_600_000


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `walkprint` with words, in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)  # what is decoded is kept below it
    return runner(capsys)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, two walks each, as folders of frames: <subject>/<walk>/*.png."""
    root = tmp_path_factory.mktemp("tree")
    for person in range(4):
        for walk in range(2):
            masks_thw = walk_masks_thw(
                Identity.from_seed(FIRST_SEED + person),
                walk_seed=walk,
                shot=Shot(frames=40, walker_pixels=70.0),
            )
            target = root / f"person-{person}" / f"walk-{walk}"
            write_walk(masks_thw, target, "folder", frames_per_second=25.0)
    return root


def _shown(run: Run, *words: object) -> dict[str, Any]:
    said = run("train", "--show-recipe", "--json", *words)
    assert said.code == 0, said.err
    recipe: dict[str, Any] = json.loads(said.out)
    return recipe


def _plain(recipe: object) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(recipe))
    return plain


def test_without_options_the_recipe_is_that_of_the_shipped_weights(run: Run) -> None:
    assert _shown(run) == _plain(asdict(DEFAULT_RECIPE))


def test_options_change_what_they_name_and_nothing_else(run: Run) -> None:
    network = replace(
        DEFAULT_RECIPE.network,
        architecture="resnet50",
        height=128,
        width=88,
        embedding_size=64,
        strips=4,
        last_stride=2,
    )
    expected = replace(
        DEFAULT_RECIPE,
        network=network,
        subjects_per_batch=8,
        walks_per_subject=3,
        weight_average=0.99,
        peak_rate=0.01,
        seed=0,
    )
    words = "--network resnet50 --input 128x88 --embedding-size 64 --strips 4 --last-stride 2"
    words += " --batch 8x3 --average 0.99 --rate 0.01 --seed 0"
    assert _shown(run, *words.split()) == _plain(asdict(expected))


def test_an_optimizer_brings_its_schedule_unless_one_is_given(run: Run) -> None:
    sgd = _shown(run, "--optimizer", "sgd")
    assert (sgd["schedule"], sgd["peak_rate"], sgd["weight_decay"]) == ("steps", 0.03, 5e-4)
    assert _shown(run, "--optimizer", "sgd", "--schedule", "cosine")["schedule"] == "cosine"


def test_the_paper_s_recipe_is_printed_with_what_was_chosen(run: Run) -> None:
    said = run("train", "--paper", "--show-recipe")
    for word in ("stated", "chosen by us", "softmax classification", "AdamW", "embedding size"):
        assert word in said.out
    assert _shown(run, "--paper", "--network", "resnet50")["network"]["embedding_size"] is None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--batch 16", "two whole numbers such as 16x4"),
        ("--input 64x0", "two whole numbers such as 64x44"),
        ("--batch 16x1", "at least two"),
        ("--strips 3", "cannot share"),
        ("--dataset tree", "needs a folder"),
        ("--optimizer adam", "is not one of"),
        ("--device abacus", "abacus cannot be used here"),
        ("--precision float16", "needs a GPU"),
    ],
)
def test_settings_that_cannot_be_are_refused_as_a_wrong_command_line(
    run: Run, words: str, reason: str
) -> None:
    said = run("train", *words.split())
    assert said.code == 2
    assert reason in said.err


def test_a_plain_classifier_is_trained_on_ones_own_people_with_a_word_on_their_data(
    run: Run, tree: Path, tmp_path: Path
) -> None:
    words = ("train", tree, "--dataset", "tree", "--paper", "--input", "32x22", "--batch", "4x1")
    said = run(*words, "--steps", 1, "--out", tmp_path, "--processes", 1, "--json")
    assert said.code == 0, said.err
    answer = json.loads(said.out)
    assert answer["training"]["people"] == 4
    assert Path(answer["state"]).is_file()
    assert "recordings of real people" in said.err


def test_torchrun_has_the_command_done_by_several_and_answered_by_the_first(
    tree: Path, tmp_path: Path
) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = "--dataset tree --paper --input 32x22 --batch 4x1 --steps 1 --processes 1 --json"
    places = ["--out", str(tmp_path), "--cache", str(tmp_path / "recordings")]
    done = subprocess.run(  # noqa: S603  # our own command
        [*torchrun, "-m", "app.cli", "train", str(tree), *words.split(), *places],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert answer["training"]["people"] == 4
    assert Path(answer["state"]).is_file()
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_what_one_command_has_decoded_the_next_one_reads(
    run: Run, tree: Path, tmp_path: Path
) -> None:
    read = run("data", "tree", tree, "--processes", 1, "--json")
    kept = Path(json.loads(read.out)["cache"])
    written = (kept / "set.json").stat().st_mtime_ns
    run("finetune", tree, "--out", tmp_path / "run", "--processes", 1)
    assert list(kept.parent.iterdir()) == [kept]
    assert (kept / "set.json").stat().st_mtime_ns == written


def test_too_few_people_for_a_batch_are_refused_before_walkers_are_generated(
    run: Run, tree: Path, tmp_path: Path
) -> None:
    said = run("train", tree, "--dataset", "tree", "--out", tmp_path, "--processes", 1)
    assert said.code == 1
    assert "there are only 4 to learn" in said.err
    assert not (tmp_path / "walkers").exists()


def test_fine_tuning_refuses_four_people_and_says_how_many_it_needs(
    run: Run, tree: Path, tmp_path: Path
) -> None:
    said = run("finetune", tree, "--out", tmp_path, "--processes", 1)
    assert said.code == 1
    assert "4 of 4 people have two usable walks" in " ".join(said.err.split())
    assert "needs 8" in " ".join(said.err.split())
    assert not (tmp_path / "walkers").exists()  # nothing was generated in vain


def test_a_file_that_is_no_checkpoint_is_no_start(run: Run, tree: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights")
    said = run("finetune", tree, "--initial", broken, "--out", tmp_path / "run")
    assert said.code == 1
    assert "is not a checkpoint" in said.err
