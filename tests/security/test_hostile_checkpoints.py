"""Checkpoint files that somebody made to harm: refused before they are installed, with a reason.

Nothing in a checkpoint is ever run as a program (safetensors holds tensors and one JSON header), so
what is left to attack with is sizes, numbers and claims.
"""

from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from app.registry.checkpoint_problems import CheckpointNotUsable
from app.worker.checkpoint_files import read_new_checkpoint
from model.checkpoint import METADATA_KEY, Checkpoint, build_checkpoint
from tests.other_checkpoints import checkpoint_file, other_checkpoint, written

NAN = float("nan")
Claims = dict[str, Any]


def refusal_of(content: bytes) -> str:
    """Why a file is not taken."""
    with pytest.raises(CheckpointNotUsable) as refused:
        read_new_checkpoint(content, "sent.safetensors")
    assert refused.value.advice
    return refused.value.detail


def header_of(content: bytes) -> tuple[Claims, bytes]:
    """The header of a safetensors file, and the tensors behind it."""
    end = 8 + int.from_bytes(content[:8], "little")
    header: Claims = json.loads(content[8:end])
    return header, content[end:]


def with_header(header: Claims, tensors: bytes) -> bytes:
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + tensors


def claiming(change: Callable[[Claims], None]) -> bytes:
    """A good file whose description of itself was changed."""
    header, tensors = header_of(checkpoint_file())
    claims: Claims = json.loads(header["__metadata__"][METADATA_KEY])
    change(claims)
    header["__metadata__"][METADATA_KEY] = json.dumps(claims)
    return with_header(header, tensors)


def with_weights(**changes: np.ndarray) -> Checkpoint:
    good = other_checkpoint()
    return replace(good, weights={**good.weights, **changes})


@pytest.mark.parametrize("announced", [2**63, 2**40, 200_000_000, 0])
def test_a_header_of_another_length_than_announced_costs_no_memory(announced: int) -> None:
    content = announced.to_bytes(8, "little") + b'{"__metadata__":{}}' + b" " * 1000

    tracemalloc.start()
    assert "not a checkpoint" in refusal_of(content)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 1_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        with_header({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, b"\0" * 4),
        with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**62]}}, b"\0" * 4),
        with_header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"\0" * 4),
        with_header({"a": {"dtype": "object", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8),
        save({"a": np.zeros(3, np.float32)}),
        save({"a": np.zeros(3, np.float32)}, metadata={METADATA_KEY: "no JSON"}),
        save({"a": np.zeros(3, np.float32)}, metadata={METADATA_KEY: "[" * 100_000}),
        save({"a": np.zeros(3, np.float32)}, metadata={METADATA_KEY: "[1]"}),
        save({"a": np.zeros(3, np.float32)}, metadata={METADATA_KEY: '{"format": 1}'}),
        save({"a": np.zeros(3, np.float32)}, metadata={METADATA_KEY: '{"format": 999}'}),
    ],
    ids=range(12),
)
def test_files_that_lie_about_what_is_in_them(content: bytes) -> None:
    assert "sent.safetensors" in refusal_of(content)


def test_a_pickle_is_not_unpacked(tmp_path: Path) -> None:
    witness = tmp_path / "was-run"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (witness,)

    refusal_of(pickle.dumps(Trap()))

    assert not witness.exists()


@pytest.mark.parametrize(
    "weights",
    [
        {"neck.weight": np.full(256, np.nan, np.float32)},
        {"neck.weight": np.full(256, np.inf, np.float32)},
        {"neck.weight": np.zeros(256, np.float32), "neck.bias": np.zeros(256, np.float32)},
        {"neck.weight": np.ones(255, np.float32)},
        {"neck.weight": np.ones((256, 2), np.float32)},
        {"neck.running_var": np.full(256, -1.0, np.float32)},
    ],
    ids=["not a number", "infinite", "all zero", "short", "wide", "impossible variance"],
)
def test_weights_that_give_no_embedding(weights: dict[str, np.ndarray]) -> None:
    """The id fits what is in the file, so that only running it can tell."""
    changed = with_weights(**weights)

    refusal_of(written(replace(changed, checkpoint_id=_fitting_id(changed))))


def _fitting_id(checkpoint: Checkpoint) -> str:
    return build_checkpoint(
        network=checkpoint.network,
        gei=checkpoint.gei,
        mirror_average=checkpoint.mirror_average,
        calibration=checkpoint.calibration,
        metrics={},
        training={},
        weights=checkpoint.weights,
    ).checkpoint_id


@pytest.mark.parametrize(
    ("part", "member", "value"),
    [
        ("gei", "fewest_frames", "twelve"),
        ("gei", "fewest_frames", 10**30),
        ("gei", "fewest_frames", True),
        ("gei", "assumed_frames_per_second", 0),
        ("gei", "shortest_cycle_seconds", NAN),
        ("gei", "longest_cycle_seconds", 0.5),
        ("gei", "least_motion", -1.0),
        ("network", "height", 10**9),
        ("network", "strips", 0),
        ("network", "strips", 10**9),
        ("network", "classes", 10**12),
        ("network", "last_stride", 10**9),
        ("network", "embedding_size", None),
        ("network", "architecture", "../../resnet50"),
        ("network", "module", "os"),
        ("calibration", "scores", [NAN, NAN]),
        ("calibration", "scores", [0.5]),
        ("calibration", "false_match_rates", [0.5, -0.1]),
        ("calibration", "usual_level", NAN),
        ("calibration", "level_exponent", "steep"),
        ("calibration", "usual_spread", 0.1),
        ("calibration", "usual_spread", {"rise": 0.1}),
        ("calibration", "usual_spread", {"rise": NAN, "deviation": 0.2}),
        ("calibration", "usual_spread", {"rise": 0.1, "deviation": 0}),
        ("calibration", "usual_spread", {"rise": 0.1, "deviation": 1e9}),
        ("calibration", "subjects", "many"),
        ("calibration", "source", ["a", "list"]),
        ("calibration", "source", "x" * 100_000),
    ],
)
def test_settings_that_would_fail_every_walk_or_decide_nothing(
    part: str, member: str, value: object
) -> None:
    def change(claims: Claims) -> None:
        claims[part][member] = value

    refusal_of(claiming(change))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("mirror_average", "yes"),
        ("metrics", [1]),
        ("metrics", {"rank1": NAN}),
        ("metrics", {"lone surrogate \ud800": 1}),
        ("training", None),
        ("training", {"a": "\0"}),
        ("training", {"a": "x" * 2_000_000}),
        ("checkpoint_id", "\x1b[2J"),
        ("checkpoint_id", "a" * 10_000),
        ("checkpoint_id", ["shipped"]),
    ],
)
def test_records_that_no_list_of_checkpoints_could_show(member: str, value: object) -> None:
    refusal_of(claiming(lambda claims: claims.update({member: value})))


def test_a_file_from_before_scores_were_known_to_spread_is_taken() -> None:
    def change(claims: Claims) -> None:
        del claims["calibration"]["usual_spread"]

    read_new_checkpoint(claiming(change), "before")


def test_what_is_good_is_taken() -> None:
    read_new_checkpoint(claiming(lambda claims: claims.update(metrics={"rank1": 0.9})), "good")
