"""What an enrolment brings, and what it did, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.registry.activations import Serving
from app.registry.columns import new_id


@dataclass(frozen=True, slots=True)
class NewWalk:
    """One walk, ready to be enrolled.

    Attributes:
        gei_png: its gait energy image, as PNG bytes.
        quality: of the recording, as JSON.
        source: what was sent, in the words of capture.
        vector_d: (D,) float32, length 1: the checkpoint's embedding of the image.
        direction: of walking, as the camera saw it; None where it cannot be told.
        other_vectors_d: (D,) likewise, by the id of each checkpoint that is being made ready.
        refusals: why one of those cannot embed it, by the checkpoint's id.
        id: UUID; callers see it.
    """

    gei_png: bytes
    quality: dict[str, object]
    source: str
    vector_d: NDArray[np.float32]
    direction: str | None = None
    other_vectors_d: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrolment adds to the subject that its job names.

    Attributes:
        name: of the person; None keeps the one that is known.
        metadata: keys to set; the others stay.
        checkpoint_id: the checkpoint that made the vectors.
        walks: at least one.
        serving: what the walks were embedded by, which must still be so when they are written;
            None where the caller answers for it (an import says what lacks).
    """

    name: str | None
    metadata: dict[str, object]
    checkpoint_id: str
    walks: tuple[NewWalk, ...]
    serving: Serving | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrolment did.

    Attributes:
        gallery: name of the gallery.
        subject: the caller's id.
        name: of the person, as it is known now.
        created: True when the subject was not known before.
        walks: ids of the new walks that were stored, in their order.
        revision: of the gallery, from which on searches find them.
        replaced: ids of earlier walks that made room for them, where the gallery limits how many
            walks of a subject it keeps; they were erased.
    """

    gallery: str
    subject: str
    name: str | None
    created: bool
    walks: tuple[str, ...]
    revision: int
    replaced: tuple[str, ...] = ()
