"""The recipe of a training: everything that decides which weights come out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, TypeAlias

from model.augment import AugmentConfig
from model.network_config import NetworkConfig

OptimizerName: TypeAlias = Literal["adamw", "sgd"]
ScheduleName: TypeAlias = Literal["cosine", "steps"]
Precision: TypeAlias = Literal["float64", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The recipe. `walkprint train --help` says what each is for.

    Attributes:
        network: what is trained; `classes` is set from the data.
        steps: batches.
        subjects_per_batch: P.
        walks_per_subject: K.
        shortest_window: frames of the shortest random window a GEI is made from; None takes each
            walk's one GEI over whole cycles, as the paper does.
        optimizer: "adamw", or "sgd" with momentum.
        momentum: of SGD.
        nesterov: whether SGD looks ahead (Nesterov's momentum).
        peak_rate: highest learning rate, after the warm-up.
        warmup_steps: the rate rises linearly over these.
        schedule: how the rate falls after the warm-up: to zero as a "cosine", or to a tenth at each
            milestone ("steps").
        milestones: shares of all steps at which the "steps" schedule falls.
        weight_decay: on convolution and linear weights, not on norms and biases.
        weight_average: decay of the running average of the weights, which is what the run then
            gives; None gives the last weights.
        label_smoothing: of the cross-entropy.
        triplet_weight: of the triplet loss beside the cross-entropy; 0 leaves it out, as for a
            plain classifier.
        triplet_margin: between Euclidean distances of unit vectors.
        triplet_begins: share of the steps after which the triplet loss fades in, over as many steps
            again; from the start, its hardest pairs hold an untrained embedding at one point.
        augment: what is done to a GEI.
        precision: of forward and backward; "bfloat16" is float32 on a processor that cannot
            multiply it, where it would take ten times as long; "float16" scales the loss and
            needs CUDA; "float64" is slow and for comparing two ways of training.
        frozen_trunk_statistics: the trunk's norms keep the means and variances they started with:
            for few people, whose batches would tell them wrong.
        seed: of initial weights and batches.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    steps: int = 6000
    subjects_per_batch: int = 16
    walks_per_subject: int = 4
    shortest_window: int | None = 25
    optimizer: OptimizerName = "adamw"
    momentum: float = 0.9
    nesterov: bool = False
    peak_rate: float = 1e-3
    warmup_steps: int = 100
    schedule: ScheduleName = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    weight_decay: float = 0.05
    weight_average: float | None = None
    label_smoothing: float = 0.1
    triplet_weight: float = 1.0
    triplet_margin: float = 0.2
    triplet_begins: float = 0.25
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    precision: Precision = "bfloat16"
    frozen_trunk_statistics: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuses settings that contradict each other (ValueError)."""
        if self.triplet_weight and self.network.embedding_size is None:
            msg = "a plain classifier has no embedding for a triplet loss; set its weight to 0"
            raise ValueError(msg)
        if self.triplet_weight and self.walks_per_subject < 2:
            msg = "the triplet loss compares two walks of a person; take at least two of each"
            raise ValueError(msg)
        if self.weight_average is not None and not 0.0 < self.weight_average < 1.0:
            msg = f"the decay of the weights' average lies between 0 and 1: {self.weight_average}"
            raise ValueError(msg)
        falls = (0.0, *self.milestones, 1.0)
        if any(before >= after for before, after in pairwise(falls)):
            msg = f"milestones are rising shares of the run, between 0 and 1: {self.milestones}"
            raise ValueError(msg)


def with_optimizer(config: TrainConfig, optimizer: OptimizerName) -> TrainConfig:
    """The recipe with another optimizer and the rate, decay and schedule usual for it.

    SGD falls to a tenth at each milestone (He et al. 2016) and has a rate of 0.03: at 0.1 it had
    learned nothing here (docs/decisions/0005-training-recipe.md).
    """
    if optimizer == config.optimizer:
        return config
    if optimizer == "sgd":
        return replace(config, optimizer="sgd", peak_rate=0.03, weight_decay=5e-4, schedule="steps")
    return replace(config, optimizer="adamw", peak_rate=1e-3, weight_decay=0.05, schedule="cosine")
