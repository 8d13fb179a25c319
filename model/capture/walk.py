"""One upload → the people who walk in it, each as silhouettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.frames import open_frames
from model.capture.limits import CaptureLimits
from model.capture.recording import Recording
from model.capture.segmenter import Segmenter
from model.capture.silhouette_walks import recording_of_silhouettes
from model.capture.windows import record
from model.silhouettes import SilhouetteSequence

_DEFAULT_LIMITS = CaptureLimits()
DEFAULT_SEGMENTER = BackgroundSegmenter()


def capture_recording(
    paths: Sequence[Path],
    limits: CaptureLimits = _DEFAULT_LIMITS,
    *,
    frames_per_second: float | None = None,
    segmenter: Segmenter = DEFAULT_SEGMENTER,
) -> Recording:
    """Finds everybody who walks in one recording.

    Args:
        paths: one video, one .zip, .tar or .tar.gz of PNG/JPEG frames, or many PNG/JPEG frames in
            walking order. The content decides, not the name.
        limits: what decoding may cost.
        frames_per_second: of a bundle of frames, if known; a video knows its own.
        segmenter: tells people from the scene; silhouettes need none.

    Raises:
        MediaNotReadable: empty, damaged, or no picture, archive or video.
        MediaTooLarge: over one of the limits.
        ArchiveNotSafe: an archive with links, leaving paths, encryption or archives inside.
        TooFewFrames: too short to tell the walker from the background.
        NoWalkerFound, WalkerStandsStill, WalkerCutOff, CameraMoves: what the frames show cannot
            be used; there is no walk in it.
    """
    with open_frames(paths, limits, frames_per_second=frames_per_second) as media:
        if isinstance(media, SilhouetteSequence):
            return recording_of_silhouettes(media)
        return record(media, media.frames_per_second, segmenter, limits.max_window_bytes)


def capture_walk(
    paths: Sequence[Path],
    limits: CaptureLimits = _DEFAULT_LIMITS,
    *,
    frames_per_second: float | None = None,
) -> SilhouetteSequence:
    """The best walk of the only person in a recording, for callers who film one walk at a time.

    Args:
        paths: as for `capture_recording`.
        limits: what decoding may cost.
        frames_per_second: of a bundle of frames, if known.

    Returns:
        One entry per frame from the walk's first to its last; None where the walker is lost.

    Raises:
        WalkRefused: as for `capture_recording`; and `SeveralWalkers` where it is not clear whose
            walk is meant.
    """
    recording = capture_recording(paths, limits, frames_per_second=frames_per_second)
    (walks,) = recording.choose("only")
    return max(walks, key=lambda walk: walk.frames * walk.height).sequence
