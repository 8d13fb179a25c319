"""A running average of a network's weights: steadier than the last step's."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Tensors: TypeAlias = tuple[Tensor, ...] | list[Tensor]


def weight_average(network: nn.Module, decay: float) -> AveragedModel:
    """An average that starts at the network and follows it with each `update_parameters`.

    After n updates the old average keeps the share min(decay, (1 + n) / (10 + n)): young, it
    follows closely, so that the untrained weights are soon forgotten. The norms' means and
    variances are averaged too.

    Args:
        network: what is trained; the average is a copy of it.
        decay: the old average's share in the long run, in (0, 1).
    """

    def follow(averages: Tensors, current: Tensors, updates: Tensor | int) -> None:
        young = (1 + int(updates)) / (10 + int(updates))
        one_step = get_ema_multi_avg_fn(min(decay, young))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        one_step(averages, current, updates)

    return AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
