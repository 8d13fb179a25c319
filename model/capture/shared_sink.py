"""The decoder's end of the shared memory.

Shape letters: N slots, B bytes, H rows, W columns.
"""

from __future__ import annotations

import mmap
import socket

import numpy as np
from numpy.typing import NDArray

from model.capture import sandbox_wire as wire
from model.capture.working_size import scale_down
from model.silhouettes import Silhouette


class SharedSink:
    """Lays frames into the ring and tells the other side; see `FrameSink`.

    Args:
        conversation: the socket to the service.
        ring: the memory shared with it.
    """

    def __init__(self, conversation: socket.socket, ring: mmap.mmap) -> None:
        self._conversation = conversation
        self._ring = ring
        self._slots_nb = np.empty((0, 0), np.uint8)
        self._size = (0, 0)
        self._next = 0
        self._free = 0
        self._unannounced = 0

    def start_scene(self, width: int, height: int, frames_per_second: float | None) -> None:
        """See `FrameSink`."""
        self._divide(width, height, channels=3)
        facts = wire.SCENE_FACTS.pack(width, height, frames_per_second or 0.0)
        self._conversation.send(wire.SCENE + facts)

    def frame(self, frame_hwc: NDArray[np.uint8]) -> None:
        """See `FrameSink`."""
        width, height = self._size
        target_hwc = self._free_slot()[: height * width * 3].reshape(height, width, 3)
        scale_down(frame_hwc, target_hwc)
        self._unannounced += 1
        if self._unannounced == wire.slots_at_once(len(self._slots_nb)):
            self._announce()

    def start_silhouettes(self, width: int, height: int) -> None:
        """See `FrameSink`."""
        self._divide(width, height, channels=1)
        self._conversation.send(wire.SILHOUETTES + wire.SILHOUETTES_FACTS.pack(width, height))

    def silhouette(self, silhouette: Silhouette | None) -> None:
        """See `FrameSink`."""
        if silhouette is None:
            self._conversation.send(wire.BLANK)
            return
        mask_hw = silhouette.mask_hw
        self._free_slot()[: mask_hw.size] = mask_hw.reshape(-1)
        facts = wire.SILHOUETTE_FACTS.pack(silhouette.top, silhouette.left, *mask_hw.shape)
        self._conversation.send(wire.SILHOUETTE + facts)

    def finish(self) -> None:
        """Says that all has been laid down."""
        self._announce()
        self._conversation.send(wire.DONE)

    def _announce(self) -> None:
        if self._unannounced:
            self._conversation.send(wire.FRAME + wire.COUNT.pack(self._unannounced))
            self._unannounced = 0

    def _divide(self, width: int, height: int, *, channels: int) -> None:
        slot_bytes = width * height * channels
        count = wire.slots_in(len(self._ring), slot_bytes)
        flat_b = np.frombuffer(self._ring, np.uint8, count * slot_bytes)
        self._slots_nb = flat_b.reshape(count, slot_bytes)
        self._size, self._free = (width, height), count

    def _free_slot(self) -> NDArray[np.uint8]:
        """The next slot, as soon as the other side has read what lay in it."""
        if self._free == 0:
            answer = self._conversation.recv(len(wire.FREE) + wire.COUNT.size)
            if answer[:1] != wire.FREE:
                raise SystemExit  # it wants no more
            (self._free,) = wire.COUNT.unpack(answer[1:])
        self._free -= 1
        slot_b: NDArray[np.uint8] = self._slots_nb[self._next]
        self._next = (self._next + 1) % len(self._slots_nb)
        return slot_b
