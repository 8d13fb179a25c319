"""The shape of ResNet-50 and L-ResNet-50, apart from torch: the ONNX graph needs it without
torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Architecture: TypeAlias = Literal["l-resnet50", "resnet50"]

BLOCKS_PER_STAGE = (3, 4, 6, 3)  # He et al. 2016, table 1, 50-layer
STAGE_WIDTHS = (64, 128, 256, 512)
EXPANSION = 4  # a bottleneck's output is four times its inner width
TRUNK_CHANNELS = STAGE_WIDTHS[-1] * EXPANSION  # 2048


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Everything needed to rebuild a network; travels in the checkpoint.

    Attributes:
        architecture: "l-resnet50" (lightweight modules) or "resnet50".
        channels: of the input image; a GEI has one.
        height: rows of the input image, in pixels.
        width: columns of the input image, in pixels.
        embedding_size: D of the embedding behind the trunk; None for the plain classifier of the
            paper.
        classes: K of the classifier used in training; None for a network that only embeds.
        strips: horizontal strips that are pooled and projected separately, each to
            embedding_size / strips values (1 = global pooling).
        last_stride: stride of the last stage; 1 keeps a finer map for small inputs.
    """

    architecture: Architecture = "l-resnet50"
    channels: int = 1
    height: int = 64
    width: int = 44
    embedding_size: int | None = 512
    classes: int | None = None
    strips: int = 1
    last_stride: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        """Refuses an embedding that its strips cannot share equally (ValueError)."""
        if self.embedding_size is not None and self.embedding_size % self.strips:
            msg = f"{self.strips} strips cannot share {self.embedding_size} values equally"
            raise ValueError(msg)

    @property
    def stage_strides(self) -> tuple[int, int, int, int]:
        """Stride of each stage's first block."""
        return (1, 2, 2, self.last_stride)
