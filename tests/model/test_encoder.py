"""The encoder gives what the network gives, one GEI or many, on every runtime."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.cpu_runtimes import Precision, Runtime, onnxruntime_forward, openvino_forward
from model.encoder import ENCODE_AT_ONCE, DeviceNotAvailable, Encoder
from model.export import walker_geis_nhw
from model.network_config import NetworkConfig
from model.onnx_graph import onnx_model
from model.torch_forward import build_network
from tests.model.untrained import untrained_checkpoint


def _geis(count: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    geis: NDArray[np.uint8] = rng.integers(0, 256, (count, 64, 44), dtype=np.uint8)
    return geis


_CONFIGS = [
    NetworkConfig(embedding_size=24),
    NetworkConfig(embedding_size=24, strips=2, last_stride=1),
    NetworkConfig(embedding_size=24, strips=3),
    NetworkConfig(embedding_size=24, architecture="resnet50"),
]


@pytest.mark.parametrize("config", _CONFIGS)
def test_the_onnx_graph_is_the_torch_network(config: NetworkConfig) -> None:
    """Cosine of at least 0.9999 in float32 on both runtimes, and 0.999 in bfloat16."""
    checkpoint = untrained_checkpoint(config)
    images_nchw = _geis(3)[:, None].astype(np.float32) / np.float32(255.0)
    with torch.inference_mode():
        network = build_network(checkpoint)
        expected_nd = network(torch.from_numpy(images_nchw)).embedding_nd.numpy()
    graph = onnx_model(checkpoint)

    def least_cosine(vectors_nd: NDArray[np.float32]) -> float:
        assert vectors_nd.dtype == np.float32
        return float((vectors_nd * expected_nd).sum(axis=1).min())

    assert least_cosine(onnxruntime_forward(graph)(images_nchw)) >= 0.9999
    bounds: dict[Precision, float] = {"fp32": 0.9999, "bf16": 0.999}
    for precision, bound in bounds.items():
        forward = openvino_forward(graph, precision=precision)
        assert least_cosine(forward(images_nchw)) >= bound


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_batch_gives_what_single_geis_give(runtime: Runtime) -> None:
    """Sharing a forward pass with strangers changes nothing."""
    checkpoint = untrained_checkpoint(NetworkConfig(embedding_size=16))
    encoder = Encoder(checkpoint, device="cpu", runtime=runtime)
    assert encoder.runtime == runtime
    geis = _geis(4)
    one_by_one = np.concatenate([encoder.encode(gei[None]) for gei in geis])
    # Another batch size may sum in another order.
    assert np.all((encoder.encode(geis) * one_by_one).sum(axis=1) >= 0.99999)
    assert encoder.encode(geis[:0]).shape == (0, 16)


def test_more_walks_than_one_forward_pass_takes_come_back_in_order() -> None:
    """A data set is embedded in pieces, whoever asks."""
    encoder = Encoder(untrained_checkpoint(NetworkConfig(embedding_size=16)), device="cpu")
    geis_nhw = np.tile(_geis(3), (ENCODE_AT_ONCE // 3 + 2, 1, 1))
    vectors_nd = encoder.encode(geis_nhw)
    assert len(vectors_nd) == len(geis_nhw) > ENCODE_AT_ONCE
    assert (vectors_nd * encoder.encode(geis_nhw[:3])[np.arange(len(geis_nhw)) % 3]).sum(
        axis=1
    ).min() >= 0.99999


def test_the_shipped_weights_serve_what_torch_gives_for_generated_walks() -> None:
    """Cosine of at least 0.9999."""
    encoder = Encoder.load(device="cpu")
    geis_nhw = walker_geis_nhw(encoder.checkpoint, 6)
    images_nchw = geis_nhw[:, None].astype(np.float32) / np.float32(255.0)
    network = build_network(encoder.checkpoint)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images_nchw)).embedding_nd
        if encoder.checkpoint.mirror_average:
            mirrored = network(torch.from_numpy(images_nchw[..., ::-1].copy())).embedding_nd
            expected = torch.nn.functional.normalize(expected + mirrored)
    assert (encoder.encode(geis_nhw) * expected.numpy()).sum(axis=1).min() >= 0.9999


def test_openvino_serves_without_calling_home() -> None:
    """The package carries telemetry for its model converter; embedding opens no connection."""
    program = """
import sys
def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(refuse)
import numpy as np
from model.encoder import Encoder
encoder = Encoder.load(device="cpu", runtime="openvino", threads=1)
encoder.encode(np.zeros((1, 64, 44), np.uint8))
print("torch" in sys.modules)
"""
    done = subprocess.run(  # noqa: S603 (this program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


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
