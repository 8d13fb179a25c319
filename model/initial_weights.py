"""A network that starts from a checkpoint's weights instead of chance."""

from __future__ import annotations

import torch

from model.checkpoint import Checkpoint
from model.network import GaitNetwork

_HEAD = ("embedding.", "neck.")


def take_weights(network: GaitNetwork, checkpoint: Checkpoint) -> None:
    """Puts a checkpoint's weights into a network: the trunk, and the embedding where it fits.

    The embedding and its BNNeck are taken when both networks cut the body into as many strips and
    embed to the same size; otherwise, like the classifier, they stay new.

    Args:
        network: of the same architecture.
        checkpoint: whose weights are taken.

    Raises:
        ValueError: another architecture or number of image channels.
    """
    mine, theirs = network.config, checkpoint.network
    if (mine.architecture, mine.channels) != (theirs.architecture, theirs.channels):
        msg = (
            f"the weights of {checkpoint.checkpoint_id} ({theirs.architecture},"
            f" {theirs.channels} channel) do not fit a {mine.architecture} of {mine.channels}"
        )
        raise ValueError(msg)
    own = network.state_dict()
    same_head = (mine.strips, mine.embedding_size) == (theirs.strips, theirs.embedding_size)
    taken = {
        name: torch.from_numpy(tensor)
        for name, tensor in checkpoint.weights.items()
        if name in own and (same_head or not name.startswith(_HEAD))
    }
    network.load_state_dict(own | taken)
