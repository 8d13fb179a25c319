"""What changes over a run: the learning rate and the weight of the triplet loss."""

from __future__ import annotations

import math

from model.train_config import TrainConfig

FALL = 0.1  # of the rate at a milestone


def learning_rate(config: TrainConfig, step: int) -> float:
    """The rate of one step, counted from 0: a linear rise, then a cosine or falls to a tenth."""
    if step < config.warmup_steps:
        return config.peak_rate * (step + 1) / config.warmup_steps
    if config.schedule == "steps":
        passed = sum(step >= share * config.steps for share in config.milestones)
        return float(config.peak_rate * FALL**passed)
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.peak_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def triplet_weight(config: TrainConfig, step: int) -> float:
    """The weight of the triplet loss at one step: 0, then a linear rise, then the whole of it."""
    if config.triplet_begins == 0.0:
        return config.triplet_weight
    begins = config.triplet_begins * config.steps
    risen = (step - begins) / max(begins, 1.0)
    return config.triplet_weight * min(max(risen, 0.0), 1.0)
