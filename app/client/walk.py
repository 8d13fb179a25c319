"""A walk that is sent: what it is made of, and how fast it was filmed.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.client.media import MediaNotFound, folder_frames

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.client.media import RawMedia


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One walk to enrol, identify or verify; anything that takes a path takes this as well.

    Attributes:
        media: the file, folder or frames.
        frames_per_second: of frames, where it is known; a video says it itself.
    """

    media: RawMedia
    frames_per_second: float | None = None

    @classmethod
    def from_video(cls, path: str | Path) -> Self:
        """A video file, or an archive of frames.

        Raises:
            MediaNotFound: no file lies there.
        """
        if not Path(path).is_file():
            raise MediaNotFound(f"There is no file {path}.")
        return cls(Path(path))

    @classmethod
    def from_folder(cls, path: str | Path, *, frames_per_second: float | None = None) -> Self:
        """A folder of PNG or JPEG frames, numbers in their names by value: frame-2 before frame-10.

        Args:
            path: of the folder.
            frames_per_second: that they were filmed at, if known.

        Raises:
            MediaNotFound: there is no such folder, or no frame in it.
        """
        folder = Path(path)
        if not folder.is_dir() or not folder_frames(folder):
            raise MediaNotFound(f"The folder {path} holds no PNG or JPEG frames.")
        return cls(folder, frames_per_second)

    @classmethod
    def from_array(
        cls, masks_thw: NDArray[np.uint8], *, frames_per_second: float | None = None
    ) -> Self:
        """Silhouettes from memory.

        Args:
            masks_thw: (T, H, W), any integer or bool type; everything above 0 is the walker.
            frames_per_second: that they were filmed at, if known.

        Raises:
            ValueError: it has another shape, or no frame.
        """
        if masks_thw.ndim != 3 or 0 in masks_thw.shape:
            raise ValueError(f"silhouettes are (T, H, W), not of shape {masks_thw.shape}")
        return cls(masks_thw, frames_per_second)

    @classmethod
    def from_frames(
        cls, frames: Sequence[bytes], *, frames_per_second: float | None = None
    ) -> Self:
        """Encoded pictures from memory, PNG or JPEG, in the order they were filmed.

        Args:
            frames: one picture each.
            frames_per_second: that they were filmed at, if known.

        Raises:
            MediaNotFound: there is none.
        """
        if not frames:
            raise MediaNotFound("No frames were given.")
        return cls(list(frames), frames_per_second)


if TYPE_CHECKING:
    Media = Walk | RawMedia
