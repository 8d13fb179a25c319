"""From a trained network to a checkpoint: calibrate it, measure it, record it.

Two groups of people the network never saw in training, and who never serve twice: one chooses
between settings, one calibrates.

Shape letters: N walks, S subjects, D embedding size.
"""

from __future__ import annotations

import functools
import operator
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np

from model import calibrate
from model.checkpoint import Checkpoint, Weights, build_checkpoint
from model.datasets.walk_set import WalkSet
from model.encoder import Encoder
from model.gei import GeiConfig
from model.network import GaitNetwork
from model.protocols import Cell
from model.ranking import identify
from model.scores import cosine_scores
from model.train import TrainedNetwork

# Of real masks, measured on eight people of CASIA-A (docs/decisions/0008-levels.md): strangers'
# mean cosine before one camera, and how their scores draw together, less than (1 − level).
USUAL_LEVEL, LEVEL_EXPONENT = 0.4, 0.75
ENROLLED_WALKS = 4  # templates of a person in calibration, as after one enrolment


def release(trained: TrainedNetwork, *, validation: WalkSet, calibration: WalkSet) -> Checkpoint:
    """Builds the checkpoint that serves.

    Args:
        trained: network and record of `model.train.train`.
        validation: people who tell recipes apart.
        calibration: people whose impostor scores become the false-match curve.
    """
    served = calibrated(as_trained(trained), calibration)
    return replace(
        served,
        training={
            **trained.record,
            "commit": commit(),
            "validation_rank1": round(validation_rank1(served, validation), 4),
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
    """The checkpoint with the false-match curve of walkers it has never seen.

    Strangers are compared with subjects enrolled before the same camera, as most of them will be:
    two people look far more alike from one side than from two, so thresholds that keep their
    promise here keep it across views as well.

    Args:
        checkpoint: whose thresholds are to be known.
        people: each filmed by the same cameras in more than `ENROLLED_WALKS` walks.
    """
    vectors_nd = Encoder(checkpoint).encode(people.geis_nhw)
    by_camera = []
    for camera in np.unique(people.view_n):
        rows = np.flatnonzero(people.view_n == camera)
        enrolled_n = people.select(rows).order_n < ENROLLED_WALKS
        probes, templates = rows[~enrolled_n], rows[enrolled_n]
        scores = calibrate.impostor_scores(
            vectors_nd[probes],
            people.label_n[probes],
            vectors_nd[templates],
            people.label_n[templates],
            subjects=people.subjects,
        )
        by_camera.append(scores)
    source = (
        f"{people.subjects} procedural walkers not seen in training, any condition, probe and"
        f" {ENROLLED_WALKS} templates each from the same camera, {len(by_camera)} cameras"
    )
    curve = calibrate.fit_normalised(
        functools.reduce(operator.add, by_camera),
        usual_level=USUAL_LEVEL,
        level_exponent=LEVEL_EXPONENT,
        subjects=people.subjects,
        source=source,
    )
    return replace(checkpoint, calibration=curve)


def validation_rank1(checkpoint: Checkpoint, walkers: WalkSet) -> float:
    """Share of the second half of everybody's walks whose best match in the first half is right."""
    vectors_nd = Encoder(checkpoint).encode(walkers.geis_nhw)
    enrolled_n = walkers.order_n < (int(walkers.order_n.max()) + 1) // 2
    found = identify(cosine_scores(vectors_nd), walkers.label_n, [Cell(~enrolled_n, enrolled_n)])
    return found.rank(1).value


def _weights_of(network: GaitNetwork) -> Weights:
    return {
        name: tensor.detach().float().cpu().numpy()
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
