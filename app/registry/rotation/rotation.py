"""The rotation of one gallery, as templates and probes pass through it.

Shape letters: N vectors, D embedding size.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.registry.rotation.matrix import SECRET_BYTES, rotation_matrix


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns vectors so that their cosines stay; shows nothing of its secret.

    Attributes:
        secret: 32 random bytes; None leaves vectors as they are.
    """

    secret: bytes | None = field(repr=False)

    @classmethod
    def fresh(cls) -> Rotation:
        """A new one, of random bytes from the system."""
        return cls(os.urandom(SECRET_BYTES))

    def turned(self, vectors_nd: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors as the gallery stores and compares them.

        Args:
            vectors_nd: (N, D) or (D,) as the encoder gave them.

        Returns:
            The same shape. Computed in float64, so that only storing them rounds.
        """
        if self.secret is None or vectors_nd.size == 0:
            return vectors_nd
        matrix_dd = rotation_matrix(self.secret, vectors_nd.shape[-1])
        return (vectors_nd.astype(np.float64) @ matrix_dd.T).astype(np.float32)

    def turned_back(self, vectors_nd: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors as the encoder gave them, of those that `turned` made."""
        if self.secret is None or vectors_nd.size == 0:
            return vectors_nd
        matrix_dd = rotation_matrix(self.secret, vectors_nd.shape[-1])
        return (vectors_nd.astype(np.float64) @ matrix_dd).astype(np.float32)

    def turned_bytes(self, vector: bytes) -> bytes:
        """The same for one vector as it is stored: float32, little endian."""
        if self.secret is None:
            return vector
        return self.turned(np.frombuffer(vector, dtype="<f4")).astype("<f4").tobytes()

    def turned_back_bytes(self, vector: bytes) -> bytes:
        """Likewise, back."""
        if self.secret is None:
            return vector
        return self.turned_back(np.frombuffer(vector, dtype="<f4")).astype("<f4").tobytes()


PLAIN: Final = Rotation(None)
"""That of a gallery that is not protected."""
