"""What is kept of a walk while the rest of its recording is read.

A silhouette takes a byte for each pixel of its box: ten minutes in which somebody walks up and down
would add up to as much memory as the window of frames. Until all is read it takes a bit.

Shape letters: H rows, W columns, B bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.capture.recording import CapturedWalk
from model.silhouettes import Silhouette


@dataclass(frozen=True, slots=True)
class KeptWalk:
    """A walk, before the people of the whole recording are counted.

    Attributes:
        walk: without its silhouettes.
        contrasts: between walker and scene, of the frames in which the walker was found.
    """

    walk: CapturedWalk
    contrasts: tuple[float, ...]
    _masks: tuple[_PackedMask | None, ...]

    @classmethod
    def of(cls, walk: CapturedWalk, contrasts: Sequence[float]) -> KeptWalk:
        """Packs the silhouettes of a walk."""
        found = walk.sequence.silhouettes
        empty = replace(walk.sequence, silhouettes=(None,) * len(found))
        masks = tuple(None if one is None else _PackedMask.of(one) for one in found)
        return cls(replace(walk, sequence=empty), tuple(contrasts), masks)

    def unpacked(self) -> CapturedWalk:
        """The walk as it was."""
        found = tuple(None if one is None else one.unpacked() for one in self._masks)
        return replace(self.walk, sequence=replace(self.walk.sequence, silhouettes=found))


@dataclass(frozen=True, slots=True)
class _PackedMask:
    bits_b: NDArray[np.uint8]
    shape: tuple[int, int]
    top: int
    left: int

    @classmethod
    def of(cls, silhouette: Silhouette) -> _PackedMask:
        """Eight pixels to a byte."""
        shape = (silhouette.height, silhouette.width)
        return cls(np.packbits(silhouette.mask_hw), shape, silhouette.top, silhouette.left)

    def unpacked(self) -> Silhouette:
        """A byte for each pixel."""
        height, width = self.shape
        mask_hw = np.unpackbits(self.bits_b, count=height * width).reshape(height, width)
        return Silhouette(mask_hw, self.top, self.left)
