"""What a decoder says, checked: nothing it announces is believed further than its limits go.

Shape letters: N slots, B bytes, H rows, W columns.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import time
from collections.abc import Iterator
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from model.capture import sandbox_wire as wire
from model.capture.limits import CaptureLimits
from model.capture.mask import check_masks
from model.capture.sandbox import Decoder
from model.refusals import MediaNotReadable, MediaTooLarge, WalkRefused
from model.silhouettes import Silhouette, SilhouetteSequence, cut_to_box

_log = logging.getLogger(__name__)

_FASTEST_RATE = 240.0
"""Frames per second that are believed."""


class FrameStream:
    """The frames of a scene, in the order they were filmed; they can be read once.

    Attributes:
        width: of every frame, in pixels.
        height: of every frame, in pixels.
        frames_per_second: of these frames; None where the recording does not say.
    """

    def __init__(
        self, reading: Reading, width: int, height: int, frames_per_second: float | None
    ) -> None:
        self._reading = reading
        self.width = width
        self.height = height
        self.frames_per_second = frames_per_second

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yields (H, W, 3) uint8 frames; each is good until the next is asked for.

        Raises:
            MediaNotReadable, MediaTooLarge, ArchiveNotSafe: see `open_frames`.
        """
        yield from self._reading.frames(self.width, self.height)


class Reading:
    """The service's side of the conversation with one decoder.

    Args:
        decoder: it was told what to read.
        limits: it was given.
        frames_per_second: of a recording that does not say.
    """

    def __init__(
        self, decoder: Decoder, limits: CaptureLimits, frames_per_second: float | None
    ) -> None:
        self._decoder = decoder
        self._limits = limits
        self._given_rate = frames_per_second
        self._patience_seconds = limits.decode_timeout_seconds

    def begin(self) -> FrameStream | SilhouetteSequence:
        """Waits until it is clear what the recording is; reads it all if it is silhouettes.

        Raises:
            MediaNotReadable, MediaTooLarge, ArchiveNotSafe, NoWalkerFound, WalkerCutOff: see
                `open_frames`; also of a decoder that dies or says what cannot be.
            OSError: a file cannot be opened.
        """
        kind, facts = self._next()
        if kind == wire.UNCONFINED:
            _warn_once()
            kind, facts = self._next()
        if kind == wire.SCENE and len(facts) == wire.SCENE_FACTS.size:
            width, height, rate = wire.SCENE_FACTS.unpack(facts)
            self._check_scene(width, height, rate)
            return FrameStream(self, width, height, rate or self._given_rate)
        if kind == wire.SILHOUETTES and len(facts) == wire.SILHOUETTES_FACTS.size:
            width, height = wire.SILHOUETTES_FACTS.unpack(facts)
            if not 0 < width * height <= self._limits.max_pixels_per_frame:
                _lies()
            return self._silhouettes(width, height)
        if kind == wire.NO_FILE and len(facts) == wire.ERROR_NUMBER.size:
            (number,) = wire.ERROR_NUMBER.unpack(facts)
            raise OSError(number, os.strerror(number))
        _lies()

    def frames(self, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
        """Yields the frames of a scene."""
        slots_nb = self._slots(width * height * 3)
        taken = 0
        while True:
            kind, facts = self._next()
            if kind == wire.DONE:
                return
            if kind != wire.FRAME or len(facts) != wire.COUNT.size:
                _lies()
            (count,) = wire.COUNT.unpack(facts)
            if not 1 <= count <= min(len(slots_nb), self._limits.max_frames - taken):
                _lies()
            for number in range(taken, taken + count):
                yield slots_nb[number % len(slots_nb)].reshape(height, width, 3)
            self._decoder.free_slots(count)
            taken += count

    def _silhouettes(self, width: int, height: int) -> SilhouetteSequence:
        slots_nb = self._slots(width * height)
        found: list[Silhouette | None] = []
        taken_slots = kept_bytes = 0
        while len(found) <= self._limits.max_frames:
            kind, facts = self._next()
            if kind == wire.DONE:
                check_masks([one for one in found if one is not None], height, width)
                return SilhouetteSequence(tuple(found), height, width, self._given_rate)
            if kind == wire.BLANK:
                found.append(None)
            elif kind == wire.SILHOUETTE and len(facts) == wire.SILHOUETTE_FACTS.size:
                slot_b = slots_nb[taken_slots % len(slots_nb)]
                silhouette = _cut_out(slot_b, wire.SILHOUETTE_FACTS.unpack(facts), width, height)
                self._decoder.free_slots(1)
                taken_slots += 1
                found.append(silhouette)
                kept_bytes += silhouette.mask_hw.nbytes if silhouette else 0
                self._check_kept(kept_bytes)
            else:
                break
        _lies()

    def _next(self) -> tuple[bytes, bytes]:
        """The next message's kind and content."""
        start = time.monotonic()
        try:
            message = self._decoder.receive(self._patience_seconds)
        except TimeoutError:
            raise MediaTooLarge(
                "The recording takes longer than"
                f" {self._limits.decode_timeout_seconds:.0f} s to decode.",
                decode_timeout_seconds=self._limits.decode_timeout_seconds,
            ) from None
        self._patience_seconds -= time.monotonic() - start
        if not message:
            raise MediaNotReadable("The decoder gave up on this recording: it is damaged.")
        if message[:1] == wire.REFUSED:
            raise _refusal_in(message)
        return message[:1], message[1:]

    def _slots(self, slot_bytes: int) -> NDArray[np.uint8]:
        count = wire.slots_in(len(self._decoder.ring), slot_bytes)
        if count == 0:
            _lies()
        slots_nb = np.frombuffer(self._decoder.ring, np.uint8, count * slot_bytes)
        slots_nb.flags.writeable = False
        return slots_nb.reshape(count, slot_bytes)

    def _check_scene(self, width: int, height: int, rate: float) -> None:
        sides = sorted((width, height))
        if sides[0] < 1 or sides[0] > self._limits.working_short_side:
            _lies()
        if sides[1] > self._limits.working_long_side:
            _lies()
        if not (math.isfinite(rate) and 0.0 <= rate <= _FASTEST_RATE):
            _lies()

    def _check_kept(self, kept_bytes: int) -> None:
        if kept_bytes > self._limits.max_kept_bytes:
            raise MediaTooLarge("The silhouettes of this walk need more memory than is allowed.")


def _cut_out(
    slot_b: NDArray[np.uint8], facts: tuple[int, int, int, int], width: int, height: int
) -> Silhouette | None:
    """A copy of a mask, cut to its box once more: the decoder's word is not taken for it."""
    top, left, rows, columns = facts
    if rows < 1 or columns < 1 or top + rows > height or left + columns > width:
        _lies()
    cut = cut_to_box(slot_b[: rows * columns].reshape(rows, columns))
    return cut and Silhouette(cut.mask_hw, top + cut.top, left + cut.left)


def _refusal_in(message: bytes) -> WalkRefused:
    try:
        return wire.unpack_refusal(message)
    except ValueError:
        _lies()


def _lies() -> NoReturn:
    raise MediaNotReadable("The decoder was led astray by this recording: it is damaged.")


@functools.cache
def _warn_once() -> None:
    _log.warning(
        "this kernel offers no filter for system calls: uploads are decoded in a process with"
        " limits, but one that could open files and sockets"
    )
