"""The batch size follows from how long a forward pass may take."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.batch_size import largest_batch, measured_pass
from model.encoder import Encoder
from model.network_config import NetworkConfig
from tests.model.untrained import untrained_checkpoint


@pytest.mark.parametrize(
    ("target_seconds", "walks"), [(0.001, 1), (0.011, 1), (0.012, 2), (0.045, 32), (9.0, 256)]
)
def test_the_largest_batch_that_ends_in_time_is_taken(target_seconds: float, walks: int) -> None:
    """Of a device that takes 10 ms and a millisecond for each walk; one at least."""
    sizes: list[int] = []

    def seconds_of(size: int) -> float:
        sizes.append(size)
        return 0.010 + 0.001 * size

    assert largest_batch(seconds_of, target_seconds, most_walks=256) == walks
    assert max(sizes) <= 256


def test_a_pass_that_is_measured_is_a_pass_that_was_made() -> None:
    """Six of them, of as many GEIs as were asked for and of the checkpoint's size."""
    encoder = Encoder(untrained_checkpoint(NetworkConfig(embedding_size=16)), device="cpu")
    shapes: list[tuple[int, ...]] = []

    def encode(geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        shapes.append(geis_nhw.shape)
        return encoder.encode(geis_nhw)

    assert measured_pass(encode, 64, 44)(3) > 0.0
    assert shapes == [(3, 64, 44)] * 6
