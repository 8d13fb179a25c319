"""Batch norms whose statistics are those of the whole batch, over all processes of a training.

torch's SyncBatchNorm runs on GPUs only; these run wherever the gather does, gloo on CPUs too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.ranks import gathered


class _Synced(nn.modules.batchnorm._BatchNorm):
    """In evaluation an ordinary batch norm; every process must hold equally many images."""

    def forward(self, maps: Tensor) -> Tensor:
        """(M, C) or (M, C, H, W) → the same shape.

        Raises:
            ValueError: training without a momentum, where torch would average over all batches.
        """
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(maps)
        if self.momentum is None:
            raise ValueError("a batch norm without momentum cannot be trained by several processes")
        others = [axis for axis in range(maps.ndim) if axis != 1]
        wide = maps.to(torch.promote_types(maps.dtype, torch.float32))
        variance_c, mean_c = torch.var_mean(wide, dim=others, correction=0)
        of_all_r2c = gathered(torch.stack((mean_c, variance_c))[None])
        means_rc, variances_rc = of_all_r2c[:, 0], of_all_r2c[:, 1]
        mean_c = means_rc.mean(0)
        variance_c = variances_rc.mean(0) + (means_rc - mean_c).square().mean(0)
        values = len(of_all_r2c) * wide.numel() // wide.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean_c, self.momentum)
            self.running_var.lerp_(variance_c * values / max(values - 1, 1), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        shape = [1, -1] + [1] * (maps.ndim - 2)
        scale_c = self.weight * torch.rsqrt(variance_c + self.eps)
        normed = (wide - mean_c.view(shape)) * scale_c.view(shape) + self.bias.view(shape)
        return normed.to(maps.dtype)


class SyncedBatchNorm1d(_Synced, nn.BatchNorm1d):
    """Of vectors (M, C)."""


class SyncedBatchNorm2d(_Synced, nn.BatchNorm2d):
    """Of maps (M, C, H, W)."""


def with_synced_norms(network: nn.Module) -> None:
    """Makes every batch norm of the network a synced one; names and parameters stay."""
    for part in network.modules():
        for name, child in part.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(part, name, _synced(SyncedBatchNorm2d, child))
            elif type(child) is nn.BatchNorm1d:
                setattr(part, name, _synced(SyncedBatchNorm1d, child))


def _synced(
    kind: type[SyncedBatchNorm1d | SyncedBatchNorm2d], norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> nn.Module:
    synced = kind(norm.num_features, eps=norm.eps, momentum=norm.momentum)
    synced.weight, synced.bias = norm.weight, norm.bias
    synced.running_mean, synced.running_var = norm.running_mean, norm.running_var
    synced.num_batches_tracked = norm.num_batches_tracked
    return synced
