"""The forward pass of a GPU: what it computes, on the CPU too, and the same on a GPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from app.telemetry import Metrics
from app.worker.batcher import Batcher
from model.checkpoint import Checkpoint, default_checkpoint_path, load_checkpoint
from model.encoder import ENCODE_AT_ONCE, Encoder
from model.export import walker_geis_nhw
from model.in_flight import Vectors, in_turn
from model.network_config import Architecture, NetworkConfig
from model.torch_forward import TorchForward, TorchPrecision, build_network, fold_norms
from tests.model.untrained import untrained_checkpoint


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(default_checkpoint_path())


def _least_cosine(left_nd: NDArray[np.float32], right_nd: NDArray[np.float32]) -> float:
    assert left_nd.shape == right_nd.shape
    assert left_nd.dtype == right_nd.dtype == np.float32
    return float((left_nd * right_nd).sum(axis=1).min())


@pytest.mark.parametrize(("precision", "bound"), [("float32", 0.99999), ("float16", 0.999)])
def test_the_passes_of_a_gpu_give_the_vectors_of_the_cpu(
    shipped: Checkpoint, precision: TorchPrecision, bound: float
) -> None:
    """Generated walks and the shipped weights; bytes in, scaled and mirrored by torch."""
    geis_nhw = walker_geis_nhw(shipped, 2)
    served_nd = Encoder(shipped, device="cpu").encode(geis_nhw)
    vectors_nd = TorchForward(shipped, "cpu", precision).begin(geis_nhw)()
    assert _least_cosine(vectors_nd, served_nd) >= bound
    np.testing.assert_allclose(np.linalg.norm(vectors_nd, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("architecture", ["l-resnet50", "resnet50"])
def test_norms_folded_into_convolutions_change_no_vector(architecture: Architecture) -> None:
    """Every norm of the trunk is folded, in both networks."""
    checkpoint = untrained_checkpoint(NetworkConfig(embedding_size=16, architecture=architecture))
    network, folded = build_network(checkpoint), build_network(checkpoint)
    fold_norms(folded)
    assert [name for name, part in folded.named_modules() if isinstance(part, nn.BatchNorm2d)] == []
    images_nchw = torch.rand(2, 1, 64, 44)
    with torch.inference_mode():
        apart = (network(images_nchw).embedding_nd - folded(images_nchw).embedding_nd).abs().max()
    assert apart <= 1e-5


@pytest.mark.parametrize("mirror_average", [False, True])
def test_single_images_are_mirrored_only_where_the_checkpoint_says_so(
    mirror_average: bool,
) -> None:
    checkpoint = replace(
        untrained_checkpoint(NetworkConfig(embedding_size=16)), mirror_average=mirror_average
    )
    geis_nhw = np.random.default_rng(5).integers(0, 256, (2, 64, 44), np.uint8)
    geis_nhw.flags.writeable = False  # as those of a data set
    begin = TorchForward(checkpoint, "cpu", "float32").begin
    served_nd = Encoder(checkpoint, device="cpu").encode(geis_nhw)
    assert _least_cosine(begin(geis_nhw)(), served_nd) >= 0.9999
    alike = _least_cosine(begin(geis_nhw[:, :, ::-1])(), begin(geis_nhw)())
    assert (alike >= 0.9999) == mirror_average


def test_the_next_batch_is_begun_before_the_last_one_is_waited_for() -> None:
    """Never more than two are in flight, and the vectors come in order."""
    told: list[str] = []

    def begin(geis_nhw: NDArray[np.uint8]) -> Vectors:
        number = int(geis_nhw[0, 0, 0])
        told.append(f"begin {number}")

        def vectors() -> NDArray[np.float32]:
            told.append(f"wait {number}")
            return np.full((len(geis_nhw), 1), number, np.float32)

        return vectors

    batches = [np.full((3, 2, 2), number, np.uint8) for number in range(4)]
    vectors = list(in_turn(begin, batches, 2))
    assert [float(each[0, 0]) for each in vectors] == [0.0, 1.0, 2.0, 3.0]
    assert told == [
        *("begin 0", "begin 1", "wait 0", "begin 2", "wait 1", "begin 3", "wait 2", "wait 3")
    ]


def test_what_is_begun_gives_what_is_encoded() -> None:
    """None, some, and more than one pass takes; sizes are checked before anything begins."""
    encoder = Encoder(untrained_checkpoint(NetworkConfig(embedding_size=16)), device="cpu")
    geis_nhw = np.random.default_rng(6).integers(0, 256, (ENCODE_AT_ONCE + 1, 64, 44), np.uint8)
    vectors_nd = encoder.encode(geis_nhw)
    for count in (0, 2, len(geis_nhw)):
        np.testing.assert_allclose(encoder.begin(geis_nhw[:count])(), vectors_nd[:count], atol=1e-5)
    with pytest.raises(ValueError, match="64×44"):
        encoder.begin(np.zeros((1, 9, 9), np.uint8))


@pytest.mark.gpu
def test_a_gpu_gives_the_vectors_of_the_cpu(shipped: Checkpoint) -> None:
    """Cosine of at least 0.999: one walk, some, and more than one pass takes, in order."""
    here, there = Encoder(shipped, device="cpu"), Encoder(shipped, device="cuda")
    assert (there.device, there.runtime, there.in_flight) == ("cuda", "torch", 2)
    geis_nhw = walker_geis_nhw(shipped, 24)
    served_nd = here.encode(geis_nhw)
    assert _least_cosine(there.encode(geis_nhw), served_nd) >= 0.999
    assert _least_cosine(there.encode(geis_nhw[:1]), served_nd[:1]) >= 0.999
    many = np.arange(2 * ENCODE_AT_ONCE + 3) % len(geis_nhw)
    assert _least_cosine(there.encode(geis_nhw[many]), served_nd[many]) >= 0.999


@pytest.mark.gpu
def test_jobs_that_share_a_gpu_get_their_own_vectors(shipped: Checkpoint) -> None:
    """Sixteen callers, small batches, two in flight, and a data set embedded at the same time."""
    encoder = Encoder(shipped, device="cuda")
    geis_nhw = walker_geis_nhw(shipped, 12)
    served_nd = Encoder(shipped, device="cpu").encode(geis_nhw)
    batcher = Batcher(encoder.begin, 4, Metrics(), in_flight=encoder.in_flight)
    with ThreadPoolExecutor(17) as callers:
        whole = callers.submit(encoder.encode, np.tile(geis_nhw, (50, 1, 1)))
        singles = [
            callers.submit(batcher.encode, [geis_nhw[turn % len(geis_nhw)]]) for turn in range(200)
        ]
        for turn, single in enumerate(singles):
            own = turn % len(geis_nhw)
            assert _least_cosine(single.result(), served_nd[own : own + 1]) >= 0.999
        assert _least_cosine(whole.result(), np.tile(served_nd, (50, 1))) >= 0.999
    batcher.close()
