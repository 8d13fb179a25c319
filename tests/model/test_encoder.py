"""The encoder gives what the network gives, one GEI or many, on ONNX Runtime as on torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.encoder import DeviceNotAvailable, Encoder
from model.network_config import NetworkConfig
from model.torch_forward import build_network
from tests.model.untrained import untrained_checkpoint


def _geis(count: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    geis: NDArray[np.uint8] = rng.integers(0, 256, (count, 64, 44), dtype=np.uint8)
    return geis


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(embedding_size=24),
        NetworkConfig(embedding_size=24, strips=2, last_stride=1),
        NetworkConfig(embedding_size=24, strips=3),
        NetworkConfig(embedding_size=24, architecture="resnet50"),
    ],
)
def test_the_onnx_graph_is_the_torch_network(config: NetworkConfig) -> None:
    """Cosine of at least 0.9999 for both networks, strips and strides."""
    checkpoint = untrained_checkpoint(config)
    geis = _geis(3)
    with torch.inference_mode():
        images = torch.from_numpy(geis[:, None].astype(np.float32) / 255.0)
        expected = build_network(checkpoint)(images).embedding_nd.numpy()
    vectors = Encoder(checkpoint, device="cpu").encode(geis)
    assert vectors.dtype == np.float32
    assert np.all((vectors * expected).sum(axis=1) >= 0.9999)


def test_a_batch_gives_what_single_geis_give() -> None:
    """Sharing a forward pass with strangers changes nothing."""
    encoder = Encoder(untrained_checkpoint(NetworkConfig(embedding_size=16)), device="cpu")
    geis = _geis(4)
    one_by_one = np.concatenate([encoder.encode(gei[None]) for gei in geis])
    np.testing.assert_allclose(encoder.encode(geis), one_by_one, atol=1e-5)
    assert encoder.encode(geis[:0]).shape == (0, 16)


def test_with_mirror_average_walking_left_and_right_is_the_same() -> None:
    """A GEI and its mirror image have one embedding, of unit length."""
    checkpoint = untrained_checkpoint(NetworkConfig(embedding_size=16))
    encoder = Encoder(replace(checkpoint, mirror_average=True), device="cpu")
    geis = _geis(2)
    vectors = encoder.encode(geis)
    np.testing.assert_allclose(vectors, encoder.encode(geis[:, :, ::-1].copy()), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_images_of_another_size_or_type_are_refused() -> None:
    """Scaling is the GEI's business, not the encoder's."""
    encoder = Encoder(untrained_checkpoint(NetworkConfig(embedding_size=16)), device="cpu")
    with pytest.raises(ValueError, match="64×44"):
        encoder.encode(np.zeros((1, 128, 88), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        encoder.encode(np.zeros((1, 64, 44), np.float32))


def test_asking_for_a_missing_gpu_is_an_error_not_a_silent_cpu() -> None:
    """Only "auto" may fall back; where there is a GPU, "cuda" gives it."""
    checkpoint = untrained_checkpoint(NetworkConfig(embedding_size=16))
    if torch.cuda.is_available():
        assert Encoder(checkpoint, device="cuda").device == "cuda"
    else:
        with pytest.raises(DeviceNotAvailable):
            Encoder(checkpoint, device="cuda")
