"""ResNet-50 and L-ResNet-50, from "Gait Recognition Based on Lightweight CNNs".

L-ResNet-50 is ResNet-50 with every convolution but the first replaced by a *lightweight module*: an
ordinary convolution makes half of the feature maps, a depthwise 3×3 convolution makes the other
half from them (the ghost module of Han et al., CVPR 2020, ratio s = 2).

Shape letters: N walks, C channels, H rows, W columns, S strips, D embedding size, K classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network_config import (
    BLOCKS_PER_STAGE,
    EXPANSION,
    STAGE_WIDTHS,
    TRUNK_CHANNELS,
    NetworkConfig,
)


class GaitOutput(NamedTuple):
    """What the network gives for a batch.

    Attributes:
        embedding_nd: (N, D), before the BNNeck while training (what the triplet loss sees); in
            evaluation the BNNeck's output scaled to unit length.
        logits_nk: (N, K) class scores; None without a classifier.
    """

    embedding_nd: Tensor
    logits_nk: Tensor | None


def _convolution(
    in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=False,
    )


class LightModule(nn.Module):
    """An ordinary convolution for half of the maps, a depthwise one for the other half.

    Shape: (N, in_channels, H, W) → (N, out_channels, H / stride, W / stride).
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel: int, stride: int, activation: bool
    ) -> None:
        super().__init__()
        primary_channels = (out_channels + 1) // 2
        self.out_channels = out_channels
        self.primary = _convolution(in_channels, primary_channels, kernel=kernel, stride=stride)
        self.primary_norm = nn.BatchNorm2d(primary_channels)
        self.cheap = _convolution(
            primary_channels, primary_channels, kernel=3, groups=primary_channels
        )
        self.cheap_norm = nn.BatchNorm2d(primary_channels)
        self.activation = activation

    def forward(self, maps_nchw: Tensor) -> Tensor:
        """Both halves, concatenated over channels and cut to the wanted width."""
        primary_nchw = self.primary_norm(self.primary(maps_nchw))
        if self.activation:
            primary_nchw = functional.relu(primary_nchw, inplace=True)
        cheap_nchw = self.cheap_norm(self.cheap(primary_nchw))
        if self.activation:
            cheap_nchw = functional.relu(cheap_nchw, inplace=True)
        both_nchw = torch.cat((primary_nchw, cheap_nchw), dim=1)
        if both_nchw.shape[1] == self.out_channels:
            return both_nchw  # a slice of everything costs the backward pass two more copies
        return both_nchw[:, : self.out_channels]


class PlainModule(nn.Module):
    """Convolution, batch norm and, where asked, ReLU: what ResNet-50 has in the same places.

    Shape: (N, in_channels, H, W) → (N, out_channels, H / stride, W / stride).
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel: int, stride: int, activation: bool
    ) -> None:
        super().__init__()
        self.convolution = _convolution(in_channels, out_channels, kernel=kernel, stride=stride)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = activation

    def forward(self, maps_nchw: Tensor) -> Tensor:
        """Convolution, norm, activation."""
        out_nchw: Tensor = self.norm(self.convolution(maps_nchw))
        return functional.relu(out_nchw, inplace=True) if self.activation else out_nchw


class Bottleneck(nn.Module):
    """1×1 down, 3×3 (carries the stride), 1×1 up, and the shortcut.

    No ReLU on the last module and on the shortcut's: it comes after the addition.
    Shape: (N, in_channels, H, W) → (N, 4 · width, H / stride, W / stride).
    """

    def __init__(
        self, module: type[LightModule | PlainModule], in_channels: int, width: int, stride: int
    ) -> None:
        super().__init__()
        out_channels = width * EXPANSION
        self.reduce = module(in_channels, width, kernel=1, stride=1, activation=True)
        self.spatial = module(width, width, kernel=3, stride=stride, activation=True)
        self.expand = module(width, out_channels, kernel=1, stride=1, activation=False)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = module(
                in_channels, out_channels, kernel=1, stride=stride, activation=False
            )

    def forward(self, maps_nchw: Tensor) -> Tensor:
        """relu(shortcut + residual)."""
        residual_nchw = self.expand(self.spatial(self.reduce(maps_nchw)))
        # In place: no operation before it needs its own output for the backward pass.
        return functional.relu(residual_nchw.add_(self.shortcut(maps_nchw)), inplace=True)


class StripEmbedding(nn.Module):
    """Every horizontal strip of the body has its own linear projection; the results stand side by
    side (Fu et al. 2019, horizontal pyramid matching).

    Shape: (N, S strips, C) → (N, D). The weight is (D, C): the first D / S rows belong to the
    uppermost strip. One strip is an ordinary linear layer.
    """

    def __init__(self, channels: int, embedding_size: int, strips: int) -> None:
        super().__init__()
        self.strips = strips
        self.weight = nn.Parameter(torch.empty(embedding_size, channels))

    def forward(self, pooled_nsc: Tensor) -> Tensor:
        """Projects each strip: (N, S, C) → (N, D)."""
        weight_sdc = self.weight.view(self.strips, -1, self.weight.shape[1])
        return torch.einsum("nsc,sdc->nsd", pooled_nsc, weight_sdc).flatten(1)


class GaitNetwork(nn.Module):
    """ResNet-50 or L-ResNet-50 with an embedding and BNNeck, or with the paper's plain classifier.

    Shape: (N, C, H, W) float in [0, 1] → `GaitOutput`.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        module = LightModule if config.architecture == "l-resnet50" else PlainModule
        self.stem = PlainModule(config.channels, 64, kernel=7, stride=2, activation=True)
        in_channels = 64
        stages: list[nn.Module] = []
        for stage, (blocks, width) in enumerate(zip(BLOCKS_PER_STAGE, STAGE_WIDTHS, strict=True)):
            first_stride = config.stage_strides[stage]
            layers = []
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                layers.append(Bottleneck(module, in_channels, width, stride))
                in_channels = width * EXPANSION
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.embedding: StripEmbedding | None = None
        self.neck: nn.BatchNorm1d | None = None
        self.classifier: nn.Linear | None = None
        if config.embedding_size is not None:
            self.embedding = StripEmbedding(TRUNK_CHANNELS, config.embedding_size, config.strips)
            self.neck = nn.BatchNorm1d(config.embedding_size)
            if config.classes is not None:
                self.classifier = nn.Linear(config.embedding_size, config.classes, bias=False)
        elif config.classes is not None:
            self.classifier = nn.Linear(TRUNK_CHANNELS * config.strips, config.classes)
        self._initialise()

    def _initialise(self) -> None:
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(part, StripEmbedding):
                nn.init.kaiming_normal_(part.weight, mode="fan_out")
            elif isinstance(part, nn.Linear):
                nn.init.normal_(part.weight, std=0.01)
        # A block begins as its shortcut (Goyal et al. 2017, section 5.1): training starts at once.
        for name, parameter in self.named_parameters():
            if ".expand." in name and "norm.weight" in name:
                nn.init.zeros_(parameter)

    def features(self, images_nchw: Tensor) -> Tensor:
        """The pooled trunk, from head to feet: (N, C, H, W) → (N, strips, 2048)."""
        maps_nchw = self.stem(images_nchw)  # H/2 × W/2
        maps_nchw = functional.max_pool2d(maps_nchw, 3, stride=2, padding=1)  # H/4 × W/4
        maps_nchw = self.stages(maps_nchw)  # H/32 × W/32, or H/16 × W/16 with last_stride 1
        pooled_ncs1 = functional.adaptive_avg_pool2d(maps_nchw, (self.config.strips, 1))
        return pooled_ncs1.squeeze(3).transpose(1, 2)

    def forward(self, images_nchw: Tensor) -> GaitOutput:
        """Embeds a batch; see `GaitOutput` for what training and evaluation give."""
        pooled_nsc = self.features(images_nchw)
        if self.embedding is None or self.neck is None:
            features_nf = pooled_nsc.flatten(1)
            logits = self.classifier(features_nf) if self.classifier is not None else None
            return GaitOutput(functional.normalize(features_nf), logits)
        embedding_nd = self.embedding(pooled_nsc)
        normed_nd = self.neck(embedding_nd)
        logits_nk = self.classifier(normed_nd) if self.classifier is not None else None
        if self.training:
            return GaitOutput(embedding_nd, logits_nk)
        return GaitOutput(functional.normalize(normed_nd), logits_nk)


def multiply_adds(network: GaitNetwork) -> int:
    """Multiply-adds of the convolutions and linear layers for one image (norms and ReLU not
    counted).

    Counted by running one image through the network with hooks, as the paper's 4.1 G are.
    """
    total = 0

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            kernel = layer.kernel_size[0] * layer.kernel_size[1]
            total += output[0].numel() * kernel * layer.in_channels // layer.groups
        elif isinstance(layer, nn.Linear):
            total += layer.in_features * layer.out_features
        elif isinstance(layer, StripEmbedding):
            total += layer.weight.numel()

    counted = nn.Conv2d | nn.Linear | StripEmbedding
    layers = [part for part in network.modules() if isinstance(part, counted)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    config, was_training = network.config, network.training
    network.eval()
    try:
        with torch.inference_mode():
            network(torch.zeros(1, config.channels, config.height, config.width))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(was_training)
    return total
