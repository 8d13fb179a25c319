"""What passes between the service and the process that decodes for it.

Pixels lie in shared memory, a ring of equal slots; short messages over a socket say what lies in
the next slot and which slots may be used again. Both sides count slots in order, so no message
names one. The decoder's side of the conversation:

    HELLO       with a handle to the process; before it reads the upload
    UNCONFINED  this kernel has no filter for system calls
    SCENE       width, height, rate of the frames that follow (rate 0: not stated)
    SILHOUETTES width, height of the silhouettes that follow
    FRAME       how many: each of the next slots holds (H, W, 3) bytes
    SILHOUETTE  top, left, height, width: the next slot holds such a mask, 0 or 1
    BLANK       a frame of silhouettes without a walker; takes no slot
    DONE        that was all
    REFUSED     JSON: why the upload cannot be used
    NO_FILE     number of the error that opening a file gave

The other side says FREE and how many slots it has read, and hangs up when it wants no more.
Frames are announced, and their slots freed, some at a time: on one core every message costs two
changes of process.
"""

from __future__ import annotations

import json
import struct

from model.refusals import ArchiveNotSafe, MediaNotReadable, MediaTooLarge, WalkRefused

HELLO, UNCONFINED, SCENE, SILHOUETTES, FRAME = b"H", b"U", b"C", b"M", b"F"
SILHOUETTE, BLANK, DONE, REFUSED, NO_FILE = b"S", b"B", b"D", b"R", b"N"
FREE = b"f"

COUNT = struct.Struct("<B")
"""Slots, of FRAME and FREE."""
REQUEST = struct.Struct("<I")
"""Bytes of the plan, which lies at the beginning of the shared memory."""
SCENE_FACTS = struct.Struct("<IId")
SILHOUETTES_FACTS = struct.Struct("<II")
SILHOUETTE_FACTS = struct.Struct("<IIII")
ERROR_NUMBER = struct.Struct("<i")

MAX_MESSAGE_BYTES = 8192
_MAX_DETAIL = 1000
"""Characters of a refusal's sentence; it may quote names out of an archive."""
_MOST_SLOTS = 8
"""Enough for one side to write while the other reads; more would only leave the cache."""
_REFUSALS: dict[str, type[WalkRefused]] = {
    refusal.code: refusal for refusal in (MediaNotReadable, MediaTooLarge, ArchiveNotSafe)
}


def slots_in(ring_bytes: int, slot_bytes: int) -> int:
    """How many slots the shared memory is divided into; 0 where one does not fit."""
    return min(_MOST_SLOTS, ring_bytes // slot_bytes)


def slots_at_once(slots: int) -> int:
    """How many frames are announced together: half the ring, so that neither side waits."""
    return max(1, slots // 2)


def ring_bytes_for(frame_bytes: int, mask_bytes: int) -> int:
    """Shared memory that holds many frames, or two masks of the largest size.

    What is never written takes no memory.
    """
    return max(_MOST_SLOTS * frame_bytes, 2 * mask_bytes)


def pack_refusal(refusal: WalkRefused) -> bytes:
    """A refusal as a message."""
    content = {
        "code": refusal.code,
        "detail": refusal.detail[:_MAX_DETAIL],
        "facts": refusal.facts,
    }
    return REFUSED + json.dumps(content).encode()


def unpack_refusal(message: bytes) -> WalkRefused:
    """The refusal in a message, as far as it can be believed.

    Raises:
        ValueError: it is none.
    """
    content = json.loads(message[len(REFUSED) :])
    if not isinstance(content, dict) or content.get("code") not in _REFUSALS:
        raise ValueError("no refusal that decoding may give")
    detail, facts = content.get("detail"), content.get("facts")
    if not isinstance(detail, str) or not isinstance(facts, dict):
        raise ValueError("a refusal without its sentence or figures")
    figures = {
        name: value
        for name, value in facts.items()
        if name != "detail" and isinstance(value, int | float | str)
    }
    return _REFUSALS[content["code"]](detail[:_MAX_DETAIL], **figures)
