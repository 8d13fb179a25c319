"""The triplet loss. Shape letters: N walks in the batch, D embedding size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def batch_hard_triplet(embedding_nd: Tensor, subject_n: Tensor, margin: float) -> Tensor:
    """Pushes each walk's nearest stranger further away than its farthest own walk.

    Hermans, Beyer and Leibe 2017, equation 5, on unit vectors with Euclidean distance (0 to 2).

    Args:
        embedding_nd: (N, D), any length; scaled to unit length here.
        subject_n: (N,) integers; every subject needs two walks or more in the batch.
        margin: wanted gap between the two distances.

    Returns:
        The mean over the batch, a scalar.
    """
    unit_nd = functional.normalize(
        embedding_nd.to(torch.promote_types(embedding_nd.dtype, torch.float32))
    )
    squared_nn = (2.0 - 2.0 * unit_nd @ unit_nd.T).clamp_min(1e-12)  # the root's slope ends at 0
    distance_nn = squared_nn.sqrt()
    same_nn = subject_n[:, None] == subject_n[None, :]
    hardest_own_n = distance_nn.masked_fill(~same_nn, 0.0).amax(dim=1)
    hardest_other_n = distance_nn.masked_fill(same_nn, torch.inf).amin(dim=1)
    return functional.relu(margin + hardest_own_n - hardest_other_n).mean()
