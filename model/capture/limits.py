"""What one upload may cost before it is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """Bounds on decoding; every one is checked before or while the bytes are unpacked.

    Attributes:
        max_pixels_per_frame: of one picture or video frame, read from its header.
        max_total_pixels: of all frames together; bounds the decoding time of a bundle.
        max_frames: of one recording.
        max_seconds: length of a clip.
        max_entries: names in an archive, or pictures that are sent one by one.
        max_unpacked_bytes: of all members of an archive together.
        max_compression_ratio: unpacked over packed bytes of an archive larger than 1 MiB.
        max_kept_bytes: of the silhouettes held in memory at once; a recording of silhouettes that
            needs more is refused.
        max_window_bytes: of the frames held in memory at once; a longer scene is read in windows.
        working_long_side: longest side of the frames that silhouettes are cut from, in pixels.
        working_short_side: shortest side of the same.
        decode_timeout_seconds: that the service waits for the decoder of one upload, all in all.
        memory_bytes: address space of the process that decodes it.
    """

    max_pixels_per_frame: int = 16_000_000
    max_total_pixels: int = 2_500_000_000
    max_frames: int = 18_000
    max_seconds: float = 600.0
    max_entries: int = 3_000
    max_unpacked_bytes: int = 256 * 2**20
    max_compression_ratio: float = 100.0
    max_kept_bytes: int = 384 * 2**20
    max_window_bytes: int = 256 * 2**20
    working_long_side: int = 640
    working_short_side: int = 360
    decode_timeout_seconds: float = 60.0
    memory_bytes: int = 3 * 2**30
