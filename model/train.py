"""Trains a gait network: resumable, logged, the same steps after a kill.

Every batch is a pure function of (seed, step): P people, K walks of each, a fresh GEI from a
random window of each walk. So a run that was killed goes on exactly where its last saved
state stands.

Started by `torchrun`, each process takes its rows of the batch (`model.ranks`): the first writes.

Shape letters: N walks in a batch, H rows, W columns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import cast

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional

from model.batches import TrainingWalks, check_sources, prefetched
from model.checkpoint import Checkpoint
from model.datasets.walk_set import WalkSet
from model.half_precision import multiplies_bfloat16
from model.initial_weights import take_weights
from model.losses import batch_hard_triplet
from model.network import GaitNetwork, GaitOutput
from model.ranks import Ranks, gathered, join_ranks
from model.schedule import learning_rate, triplet_weight
from model.synced_norm import with_synced_norms
from model.train_config import Precision, TrainConfig
from model.train_log import EVERY_STEPS, StepFigures, TrainLog, loss_curve
from model.train_state import TrainState
from model.weight_average import weight_average


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """What a run gives: the network in evaluation mode and the record of how it came about."""

    network: GaitNetwork
    record: dict[str, object]


def train(
    config: TrainConfig,
    walks: WalkSet | tuple[TrainingWalks, ...],
    folder: Path,
    *,
    initial: Checkpoint | None = None,
    device: str = "cpu",
    compiled: bool = False,
    console: Console | None = None,
    save_every_seconds: float = 120.0,
    log_every_steps: int = EVERY_STEPS,
    until_step: int | None = None,
    on_step: Callable[[int], None] | None = None,
) -> TrainedNetwork:
    """Runs, or goes on with, one training.

    Args:
        config: the recipe; a folder that holds another recipe's state is refused.
        walks: whom to learn; several data sets share every batch, and their people are counted on.
        folder: state.pt (to resume), log.csv and tensorboard/ lie here.
        initial: weights to start from; None starts from chance.
        device: torch's name of it.
        compiled: whether torch compiles the network first: minutes, then a little faster.
        console: where the progress bar is drawn; None draws none.
        save_every_seconds: how much work a kill may cost.
        log_every_steps: a row of the log each.
        until_step: stop here with the state saved, to go on by another call; None trains to the
            recipe's end.
        on_step: called with the number of steps done, after a state was saved where one was due.

    Raises:
        TooFewPeople: a batch takes more people than there are.
        ValueError: the folder holds the state of another recipe, data set or initial checkpoint,
            or these do not fit each other.
    """
    sources = walks if isinstance(walks, tuple) else (TrainingWalks(walks),)
    check_sources(config, sources)
    if config.precision == "float16" and torch.device(device).type != "cuda":
        raise ValueError("float16 training needs a GPU; take bfloat16 on the CPU")
    ranks = join_ranks(device)
    ranks.check_share(_people_in_batch(config, sources))
    if compiled and ranks.size > 1:
        raise ValueError("several processes train without --compile: it cannot see their exchange")
    state = _first_state(config, sources, initial, device, ranks)
    folder.mkdir(parents=True, exist_ok=True)
    state_path = folder / "state.pt"
    state.resume(state_path, device)
    ranks.check_same(state.step)
    network, optimizer, scaler = state.network, state.optimizer, state.scaler
    _to_training_mode(network, frozen_trunk_statistics=config.frozen_trunk_statistics)
    wide = _wide(config)
    forward: Callable[[Tensor], GaitOutput] = torch.compile(network) if compiled else network
    first_step, seconds_before = state.step, state.seconds
    last_step = config.steps if until_step is None else min(until_step, config.steps)
    started = saved = time.monotonic()
    with (
        closing(prefetched(config, sources, first_step)) as batches,
        TrainLog(folder, steps=config.steps, after_step=first_step, console=console)
        if ranks.writes
        else nullcontext() as log,
    ):
        while state.step < last_step:
            batch = next(batches)
            rate = learning_rate(config, state.step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            images = ranks.own(batch.images_nchw).to(
                device, wide, memory_format=torch.channels_last
            )
            label_n = batch.label_n.to(device)
            with _autocast(config, device):
                output = forward(images)
            logits_nk = gathered(cast("Tensor", output.logits_nk).to(wide))  # there is a classifier
            cross_entropy = functional.cross_entropy(
                logits_nk, label_n, label_smoothing=config.label_smoothing
            )
            triplet = torch.zeros((), device=device)
            if config.triplet_weight:
                embedding_nd = gathered(output.embedding_nd.to(wide))
                triplet = batch_hard_triplet(embedding_nd, label_n, config.triplet_margin)
            loss = cross_entropy + triplet_weight(config, state.step) * triplet
            optimizer.zero_grad(set_to_none=True)
            # Every process has the whole loss, and their gradients are summed.
            scaler.scale(loss / ranks.size).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            ranks.sum_gradients(network.parameters())
            scaler.step(optimizer)
            scaler.update()
            if state.average is not None:
                state.average.update_parameters(network)
            state.step += 1
            now = time.monotonic()
            state.seconds = seconds_before + now - started
            if log is not None and (state.step % log_every_steps == 0 or state.step == last_step):
                log.write(
                    StepFigures(
                        step=state.step,
                        seconds=state.seconds,
                        rate=rate,
                        loss=loss.item(),
                        cross_entropy=cross_entropy.item(),
                        triplet=triplet.item(),
                        batch_accuracy=(logits_nk.argmax(1) == label_n).float().mean().item(),
                        images_per_second=len(label_n)
                        * (state.step - first_step)
                        / (now - started),
                    )
                )
            if ranks.writes and (now - saved > save_every_seconds or state.step == last_step):
                state.save(state_path)
                saved = now
            if on_step is not None:
                on_step(state.step)
    record = _record(config, sources, state, device)
    if ranks.writes:
        record["losses"] = loss_curve(folder)
    return TrainedNetwork(state.result.eval(), record)


def _first_state(
    config: TrainConfig,
    sources: tuple[TrainingWalks, ...],
    initial: Checkpoint | None,
    device: str,
    ranks: Ranks,
) -> TrainState:
    """A run before its first step."""
    torch.manual_seed(config.seed)
    people = sum(source.people for source in sources)
    network = GaitNetwork(replace(config.network, classes=people))
    if initial is not None:
        take_weights(network, initial)
    if ranks.size > 1:
        with_synced_norms(network)
    network = network.to(device, _wide(config))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    decay = config.weight_average
    return TrainState(
        identity={
            "config": asdict(config),
            "data": [source.identity for source in sources],
            "initial": initial.checkpoint_id if initial is not None else None,
        },
        network=network,
        optimizer=_optimizer(config, network),
        average=weight_average(network, decay) if decay is not None else None,
        scaler=GradScaler(torch.device(device).type, enabled=config.precision == "float16"),
    )


def _people_in_batch(config: TrainConfig, sources: tuple[TrainingWalks, ...]) -> int:
    return sum(source.subjects_per_batch or config.subjects_per_batch for source in sources)


def _optimizer(config: TrainConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Weights of convolutions and linear layers decay; norms and biases do not."""
    groups = [
        {
            "params": [p for p in network.parameters() if p.ndim > 1],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in network.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=config.peak_rate, momentum=config.momentum, nesterov=config.nesterov
        )
    return torch.optim.AdamW(groups, lr=config.peak_rate)


def _to_training_mode(network: GaitNetwork, *, frozen_trunk_statistics: bool) -> None:
    network.train()
    if frozen_trunk_statistics:
        for part in chain(network.stem.modules(), network.stages.modules()):
            if isinstance(part, nn.BatchNorm2d):
                part.eval()


def _autocast(config: TrainConfig, device: str) -> torch.autocast:
    precision = _computed_in(config, device)
    half = torch.float16 if precision == "float16" else torch.bfloat16
    enabled = precision in ("float16", "bfloat16")
    return torch.autocast(torch.device(device).type, half, enabled=enabled)


def _computed_in(config: TrainConfig, device: str) -> Precision:
    if config.precision == "bfloat16" and not multiplies_bfloat16(device):
        return "float32"
    return config.precision


def _wide(config: TrainConfig) -> torch.dtype:
    """What weights, gradients and losses are held in, whatever the forward pass computes with."""
    return torch.float64 if config.precision == "float64" else torch.float32


def _record(
    config: TrainConfig, sources: tuple[TrainingWalks, ...], state: TrainState, device: str
) -> dict[str, object]:
    return {
        **state.identity,
        "computed_in": _computed_in(config, device),  # at the end, if a run moved
        "people": sum(source.people for source in sources),
        "walks": sum(len(source.walks) for source in sources),
        "images_seen": config.steps * sum(source.images_per_batch(config) for source in sources),
        "seconds": round(state.seconds),
        "torch": torch.__version__,
    }
