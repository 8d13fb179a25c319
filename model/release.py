"""From a trained network to a checkpoint: sharpen the embedding, calibrate it, measure it, record
it.

Three groups of people the network never saw in training, and who never serve twice: one sharpens
the embedding, one chooses between settings, one calibrates.

Shape letters: N walks, D embedding size, F pooled features.
"""

from __future__ import annotations

import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model import calibrate
from model.checkpoint import Checkpoint, Weights, build_checkpoint
from model.datasets.walk_set import WalkSet
from model.encoder import Encoder
from model.gei import GeiConfig
from model.lda import discriminant_directions
from model.network import GaitNetwork
from model.network_config import NetworkConfig
from model.onnx_graph import NORM_EPSILON
from model.scores import cosine_scores
from model.train import TrainedNetwork

RIDGES = (0.03, 0.1, 0.3)  # of the discriminant analysis; validation chooses
ENCODE_AT_ONCE = 256  # GEIs
ENROLLED_WALKS = 4  # templates of a person in calibration, as after one enrolment


def release(
    trained: TrainedNetwork,
    *,
    refinement: WalkSet,
    validation: WalkSet,
    calibration: WalkSet,
    embedding_size: int,
) -> Checkpoint:
    """Builds the checkpoint that serves.

    Args:
        trained: network and record of `model.train.train`.
        refinement: people for the discriminant analysis of the embedding.
        validation: people who decide whether that analysis stays, and how strong it is.
        calibration: people whose impostor scores become the false-match curve.
        embedding_size: D of the refined embedding, at most the trained one.
    """
    plain = as_trained(trained)
    rank1_by_recipe = {"as trained": validation_rank1(plain, validation)}
    best, best_recipe = plain, "as trained"
    mirrored_too_nhw = np.concatenate((refinement.geis_nhw, refinement.geis_nhw[:, :, ::-1]))
    normed_nd = _neck_outputs(trained.network, mirrored_too_nhw)
    subject_n = np.concatenate((refinement.label_n, refinement.label_n))
    # Directions across strips do not fit an embedding whose strips are projected separately.
    for ridge in RIDGES if plain.network.strips == 1 else ():
        candidate = refined(plain, normed_nd, subject_n, embedding_size, ridge)
        recipe = f"discriminant analysis, ridge {ridge}, {embedding_size}-d"
        rank1_by_recipe[recipe] = validation_rank1(candidate, validation)
        if rank1_by_recipe[recipe] > rank1_by_recipe[best_recipe]:
            best, best_recipe = candidate, recipe
    served = calibrated(best, calibration)
    return replace(
        served,
        training={
            **trained.record,
            "commit": commit(),
            "embedding": best_recipe,
            "validation_rank1": {name: round(rate, 4) for name, rate in rank1_by_recipe.items()},
            "validation": "first half of each person's walks enrolled, the rest identified;"
            f" {validation.subjects} people, any view, any condition",
        },
    )


def as_trained(trained: TrainedNetwork, gei: GeiConfig | None = None) -> Checkpoint:
    """The network as it left training, with a calibration that stands for none.

    Args:
        trained: network and record.
        gei: how its GEIs were made; None takes the usual way at the network's input size.

    Raises:
        ValueError: it is a plain classifier, which has no embedding to serve with.
    """
    if trained.network.embedding is None:
        msg = "a plain classifier has no embedding to release"
        raise ValueError(msg)
    config = trained.network.config
    return build_checkpoint(
        network=replace(config, classes=None),
        gei=gei or GeiConfig(height=config.height, width=config.width),
        mirror_average=True,
        calibration=calibrate.fit(  # replaced by `calibrated`; encoding needs no thresholds
            np.linspace(-1.0, 1.0, 1000, dtype=np.float32), subjects=0, source="none"
        ),
        metrics={},
        training={},
        weights=_weights_of(trained.network),
    )


def calibrated(checkpoint: Checkpoint, people: WalkSet) -> Checkpoint:
    """The checkpoint with the false-match curve of walkers it has never seen."""
    vectors_nd = encode_all(Encoder(checkpoint), people.geis_nhw)
    enrolled_n = people.order_n < ENROLLED_WALKS
    scores = calibrate.impostor_scores(
        vectors_nd[~enrolled_n],
        people.label_n[~enrolled_n],
        vectors_nd[enrolled_n],
        people.label_n[enrolled_n],
    )
    subjects = people.subjects
    source = (
        f"{subjects} procedural walkers not seen in training, any view, any condition,"
        " four templates each"
    )
    return replace(checkpoint, calibration=calibrate.fit(scores, subjects=subjects, source=source))


def validation_rank1(checkpoint: Checkpoint, walkers: WalkSet) -> float:
    """Share of the second half of everybody's walks whose best match in the first half is right."""
    vectors_nd = encode_all(Encoder(checkpoint), walkers.geis_nhw)
    enrolled_n = walkers.order_n < (int(walkers.order_n.max()) + 1) // 2
    scores_nn = cosine_scores(vectors_nd)[~enrolled_n][:, enrolled_n]
    best_n = walkers.label_n[enrolled_n][scores_nn.argmax(axis=1)]
    return float((best_n == walkers.label_n[~enrolled_n]).mean())


def encode_all(encoder: Encoder, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeds any number of GEIs, some at a time: (N, H, W) → (N, D)."""
    parts = [
        encoder.encode(geis_nhw[first : first + ENCODE_AT_ONCE])
        for first in range(0, len(geis_nhw), ENCODE_AT_ONCE)
    ]
    return np.concatenate(parts)


def refined(
    checkpoint: Checkpoint,
    normed_nd: NDArray[np.float32],
    subject_n: NDArray[np.int64],
    embedding_size: int,
    ridge: float,
) -> Checkpoint:
    """Puts a discriminant analysis of the BNNeck's output into the embedding's own weights.

    Both are linear, so the network stays what it was, with other numbers in its last layer.

    Args:
        checkpoint: whose embedding is sharpened.
        normed_nd: (N, D) outputs of its BNNeck before scaling to unit length.
        subject_n: (N,) who walks.
        embedding_size: directions kept.
        ridge: of the analysis.
    """
    axes_de = discriminant_directions(normed_nd, subject_n, directions=embedding_size, ridge=ridge)
    weights = checkpoint.weights
    scale_d, shift_d = _neck(weights)
    embedding_ef = axes_de.T @ (scale_d[:, None] * weights["embedding.weight"])
    shift_e = axes_de.T @ (shift_d - normed_nd.mean(axis=0))
    gain = 1.0 / np.abs(embedding_ef).max()  # float16 keeps its digits; the length does not matter
    size = len(shift_e)
    new = dict(weights)
    new["embedding.weight"] = (embedding_ef * gain).astype(np.float32)
    new["neck.weight"] = np.full(size, np.sqrt(1.0 + NORM_EPSILON), np.float32)
    new["neck.bias"] = (shift_e * gain).astype(np.float32)
    new["neck.running_mean"] = np.zeros(size, np.float32)
    new["neck.running_var"] = np.ones(size, np.float32)
    return build_checkpoint(
        network=NetworkConfig(**(asdict(checkpoint.network) | {"embedding_size": size})),
        gei=checkpoint.gei,
        mirror_average=checkpoint.mirror_average,
        calibration=checkpoint.calibration,
        metrics=checkpoint.metrics,
        training=checkpoint.training,
        weights=new,
    )


def _neck_outputs(network: GaitNetwork, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The BNNeck's outputs before scaling to unit length: (N, H, W) → (N, D)."""
    if network.embedding is None or network.neck is None:
        msg = "a plain classifier has no embedding to release"
        raise ValueError(msg)
    device = next(network.parameters()).device
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for first in range(0, len(geis_nhw), ENCODE_AT_ONCE):
            images = torch.from_numpy(geis_nhw[first : first + ENCODE_AT_ONCE, None])
            features = network.features(images.to(device).float() / 255.0)
            parts.append(network.neck(network.embedding(features)).cpu().numpy())
    return np.concatenate(parts)


def _neck(weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    variance = weights["neck.running_var"].astype(np.float64)
    scale_d = weights["neck.weight"] / np.sqrt(variance + NORM_EPSILON)
    return scale_d, weights["neck.bias"] - weights["neck.running_mean"] * scale_d


def _weights_of(network: GaitNetwork) -> Weights:
    return {
        name: tensor.detach().cpu().numpy()
        for name, tensor in network.state_dict().items()
        if not name.startswith("classifier.") and not name.endswith("num_batches_tracked")
    }


def commit() -> str:
    """The commit the code is at, with a mark for changes on top; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return shown.stdout.strip()
