"""The two networks have the sizes that the paper and its authors' constructions give."""

from __future__ import annotations

import pytest
import torch

from model.network import GaitNetwork, LightModule, multiply_adds
from model.network_config import NetworkConfig


def _parameters(network: GaitNetwork) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("architecture", "parameters", "operations"),
    [("resnet50", 25.557e6, 4.089e9), ("l-resnet50", 13.954e6, 2.151e9)],
)
def test_the_paper_s_classifiers_have_the_published_sizes(
    architecture: str, parameters: float, operations: float
) -> None:
    """1000 classes at 3×224×224: 25.557 M and 4.089 G against 13.954 M and 2.151 G."""
    config = NetworkConfig(
        architecture=architecture,  # type: ignore[arg-type]  # parametrised strings
        channels=3,
        height=224,
        width=224,
        embedding_size=None,
        classes=1000,
    )
    network = GaitNetwork(config)
    assert round(_parameters(network), -3) == parameters
    assert round(multiply_adds(network), -6) == operations


def test_the_embedding_network_has_13_018_million_parameters() -> None:
    """Trunk, 512-d embedding with BNNeck, 124 classes."""
    network = GaitNetwork(
        NetworkConfig(channels=3, height=224, width=224, embedding_size=512, classes=124)
    )
    assert round(_parameters(network), -3) == 13.018e6


def test_half_of_a_light_module_s_maps_come_from_an_ordinary_convolution() -> None:
    """The other half are a depthwise convolution of the first; an odd width is cut."""
    module = LightModule(8, 5, kernel=3, stride=2, activation=True)
    assert module.primary.weight.shape == (3, 8, 3, 3)
    assert module.cheap.weight.shape == (3, 1, 3, 3)
    assert module(torch.zeros(1, 8, 10, 6)).shape == (1, 5, 5, 3)


@pytest.mark.parametrize("strips", [1, 2])
def test_embeddings_have_unit_length_in_evaluation(strips: int) -> None:
    """Whatever the input, so that a dot product is a cosine."""
    network = GaitNetwork(NetworkConfig(embedding_size=32, strips=strips)).eval()
    with torch.inference_mode():
        embedding = network(torch.rand(3, 1, 64, 44)).embedding_nd
    assert embedding.shape == (3, 32)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))


def test_the_last_stage_keeps_a_finer_map_with_stride_one() -> None:
    """64×44 gives 2×2 maps with the usual stride and 4×3 with stride one."""
    coarse = GaitNetwork(NetworkConfig(last_stride=2)).eval()
    fine = GaitNetwork(NetworkConfig(last_stride=1)).eval()
    assert multiply_adds(fine) > 1.3 * multiply_adds(coarse)
    assert _parameters(fine) == _parameters(coarse)


def test_every_weight_is_used() -> None:
    """Each parameter gets a gradient (published ghost networks carry weights that nothing uses)."""
    network = GaitNetwork(NetworkConfig(embedding_size=16, classes=4)).train()
    for name, parameter in network.named_parameters():
        if "norm.weight" in name:  # a fresh block passes its shortcut only
            torch.nn.init.ones_(parameter)
    output = network(torch.rand(4, 1, 64, 44))
    assert output.logits_nk is not None
    (output.logits_nk.square().sum() + output.embedding_nd.sum()).backward()
    unused = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert unused == []
