"""One upload → the people who walk in it, each as silhouettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.capture.archive import frames_of_tar, frames_of_zip
from model.capture.clip import Clip
from model.capture.limits import CaptureLimits
from model.capture.media import HEAD_BYTES, MediaKind, is_picture, media_kind
from model.capture.recording import Recording
from model.capture.sequence import frames_of_pictures, read_bundle
from model.capture.silhouette import recording_of_clip, recording_of_silhouettes
from model.capture.video import decode_clip
from model.refusals import MediaNotReadable
from model.silhouettes import SilhouetteSequence

_DEFAULT_LIMITS = CaptureLimits()


def capture_recording(
    paths: Sequence[Path],
    limits: CaptureLimits = _DEFAULT_LIMITS,
    *,
    frames_per_second: float | None = None,
) -> Recording:
    """Finds everybody who walks in one recording.

    Args:
        paths: one video, one .zip, .tar or .tar.gz of PNG/JPEG frames, or many PNG/JPEG frames in
            walking order. The content decides, not the name.
        limits: what decoding may cost.
        frames_per_second: of a bundle of frames, if known; a video knows its own.

    Raises:
        MediaNotReadable: empty, damaged, or no picture, archive or video.
        MediaTooLarge: over one of the limits.
        ArchiveNotSafe: an archive with links, leaving paths, encryption or archives inside.
        TooFewFrames: too short to tell the walker from the background.
        NoWalkerFound, WalkerStandsStill, WalkerCutOff, CameraMoves: what the frames show cannot
            be used; there is no walk in it.
    """
    media = _read(paths, limits, frames_per_second)
    return recording_of_clip(media) if isinstance(media, Clip) else recording_of_silhouettes(media)


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


def _read(
    paths: Sequence[Path], limits: CaptureLimits, frames_per_second: float | None
) -> SilhouetteSequence | Clip:
    if not paths:
        raise MediaNotReadable("The walk holds no file.")
    if len(paths) == 1:
        return _read_one(paths[0], limits, frames_per_second)
    for number, path in enumerate(paths, start=1):
        if not is_picture(_first_bytes(path)):
            raise MediaNotReadable(
                f"File {number} of {len(paths)} is not a PNG or JPEG picture; several files make"
                " one walk only if all of them are pictures."
            )
    return read_bundle(
        frames_of_pictures(paths, limits), limits, frames_per_second=frames_per_second
    )


def _read_one(
    path: Path, limits: CaptureLimits, frames_per_second: float | None
) -> SilhouetteSequence | Clip:
    first_bytes = _first_bytes(path)
    kind = media_kind(first_bytes)
    if not first_bytes:
        raise MediaNotReadable("The file is empty.")
    if kind is MediaKind.VIDEO:
        return decode_clip(path, limits)
    if kind is MediaKind.ZIP:
        frames = frames_of_zip(path, limits)
    elif kind in (MediaKind.TAR, MediaKind.GZIP):
        frames = frames_of_tar(path, gzipped=kind is MediaKind.GZIP, limits=limits)
    elif kind in (MediaKind.PNG, MediaKind.JPEG):
        frames = frames_of_pictures([path], limits)
    else:
        raise MediaNotReadable(f"By its first bytes, the file is {kind.value}.")
    return read_bundle(frames, limits, frames_per_second=frames_per_second)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
