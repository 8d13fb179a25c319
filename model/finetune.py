"""Fine-tuning: a checkpoint goes on learning, on a user's own people.

A share of the people is kept back, and a share of the others' walks; they tell whether it helped.
Half of every batch are generated walkers, so that what the checkpoint knew is not forgotten, and
the trunk's norms keep their means and variances, which so few people would tell wrong.

Shape letters: N walks, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.batches import TrainingWalks
from model.change import Change, eer_change, rank_1_change
from model.checkpoint import Checkpoint
from model.datasets.labelled import refused_by_reason
from model.datasets.walk_set import WalkSet
from model.encoder import Encoder
from model.finetune_report import FinetuneReport
from model.people_recipe import TERMS
from model.people_split import PeopleSplit
from model.protocols import Cell
from model.release import as_trained, calibrated, commit
from model.scores import Scores, cosine_scores
from model.train import train
from model.train_config import TrainConfig

MOST_PER_BATCH = 8  # of a user's own people, and as many walkers
TARGET_FMR = 0.01


@dataclass(frozen=True, slots=True)
class FinetuneWalkers:
    """Generated people beside a user's own; no two groups share anybody.

    Attributes:
        rehearsal: half of every batch.
        unseen: show what was forgotten.
        calibration: their impostor scores become the false-match curve.
    """

    rehearsal: WalkSet
    unseen: WalkSet
    calibration: WalkSet


@dataclass(frozen=True, slots=True)
class FineTuned:
    """The new checkpoint, and whether it is better for the people it is meant for."""

    checkpoint: Checkpoint
    report: FinetuneReport


def finetune_recipe(initial: Checkpoint, *, steps: int = 200, rate: float = 1e-4) -> TrainConfig:
    """Few small steps from a checkpoint, the triplet loss from the first of them.

    Args:
        initial: what is started from.
        steps: batches.
        rate: highest learning rate; a tenth of training's.
    """
    return TrainConfig(
        network=initial.network,
        steps=steps,
        subjects_per_batch=MOST_PER_BATCH,
        peak_rate=rate,
        warmup_steps=max(1, steps // 10),
        triplet_begins=0.0,
        frozen_trunk_statistics=True,
    )


def finetune(
    initial: Checkpoint,
    own: WalkSet,
    split: PeopleSplit,
    walkers: FinetuneWalkers,
    folder: Path,
    config: TrainConfig,
    *,
    device: str = "cpu",
    console: Console | None = None,
) -> FineTuned:
    """Trains, calibrates and compares.

    Args:
        initial: what is started from; it stays as it is.
        own: walks of the user's people.
        split: of these walks, from `split_people`.
        walkers: generated people beside them.
        folder: where the run's state and log lie.
        config: from `finetune_recipe`.
        device: torch's name of where to train.
        console: where progress is drawn; None draws none.

    Raises:
        ValueError: the folder holds a run of another recipe, data set or checkpoint.
    """
    learnt = own.select(split.trained_n)
    people = len(np.unique(learnt.label_n))
    per_batch = min(config.subjects_per_batch, people)
    trained = train(
        config,
        (TrainingWalks(learnt, per_batch), TrainingWalks(walkers.rehearsal, per_batch)),
        folder,
        initial=initial,
        device=device,
        console=console,
    )
    after = calibrated(as_trained(trained, initial.gei), walkers.calibration)
    report = compare(initial, after, own, split, walkers.unseen)
    training = {
        **trained.record,
        "commit": commit(),
        "terms": TERMS,
        "verdict": report.verdict,
    }
    return FineTuned(replace(after, training=training), report)


def compare(
    before: Checkpoint,
    after: Checkpoint,
    own: WalkSet,
    split: PeopleSplit,
    unseen: WalkSet,
) -> FinetuneReport:
    """Both checkpoints on the walks that neither was trained on.

    Args:
        before: the checkpoint that was started from.
        after: the new one, calibrated.
        own: walks of the user's people.
        split: of these walks.
        unseen: generated walkers nobody trained on.
    """
    label_n, strangers_n = own.label_n, split.strangers_n
    known_n = split.trained_n | split.kept_back_n
    before_nd, after_nd = (
        Encoder(checkpoint).encode(own.geis_nhw) for checkpoint in (before, after)
    )
    of_strangers = _Pair(
        cosine_scores(before_nd[strangers_n]),
        cosine_scores(after_nd[strangers_n]),
        label_n[strangers_n],
    )
    of_known = _Pair(
        cosine_scores(before_nd[known_n]), cosine_scores(after_nd[known_n]), label_n[known_n]
    )
    of_walkers = _Pair(
        cosine_scores(Encoder(before).encode(unseen.geis_nhw)),
        cosine_scores(Encoder(after).encode(unseen.geis_nhw)),
        unseen.label_n,
    )
    everything_n = np.ones(len(of_strangers.subject_n), dtype=np.bool_)
    enrolled_n = unseen.order_n < (int(unseen.order_n.max()) + 1) // 2
    return FinetuneReport(
        trained_people=len(np.unique(label_n[split.trained_n])),
        trained_walks=int(split.trained_n.sum()),
        strangers=len(np.unique(of_strangers.subject_n)),
        refused=refused_by_reason(own.refused),
        on_strangers=(
            of_strangers.rank_1("rank-1, leave one out", Cell(everything_n, everything_n)),
            of_strangers.eer(),
        ),
        on_kept_back_walks=(
            of_known.rank_1("rank-1", Cell(split.kept_back_n[known_n], split.trained_n[known_n])),
        ),
        on_walkers=(
            of_walkers.rank_1("rank-1, half enrolled", Cell(~enrolled_n, enrolled_n)),
            of_walkers.eer(),
        ),
        passing_strangers=of_strangers.passing(after),
        before=before.checkpoint_id,
        after=after.checkpoint_id,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """The same walks as two checkpoints see them: (N, N) scores, and (N,) who walks."""

    before_nn: Scores
    after_nn: Scores
    subject_n: NDArray[np.int64]

    def rank_1(self, name: str, cell: Cell) -> Change:
        return rank_1_change(name, self.before_nn, self.after_nn, self.subject_n, cell)

    def eer(self) -> Change:
        return eer_change("EER", self.before_nn, self.after_nn, self.subject_n)

    def passing(self, after: Checkpoint) -> float:
        """The share of impostor pairs at or above the threshold for a false-match rate of 1 %."""
        threshold = after.calibration.verification_threshold(target_fmr=TARGET_FMR)
        impostor_nn = self.subject_n[:, None] != self.subject_n[None, :]
        return float(np.mean(self.after_nn[impostor_nn] >= threshold))
