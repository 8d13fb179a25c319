"""A secret becomes an orthogonal matrix, the same one on every machine.

The secret and the size seed a SHAKE-256 stream (FIPS 202). Its bits become uniform numbers, these
normal ones (Box and Muller 1958), and the Q of their QR decomposition, with the diagonal of R made
positive, is uniformly distributed over all orthogonal matrices (Stewart 1980, theorem 3.2; Mezzadri
2007, section 5). Linear algebra libraries round differently: two machines agree to about 1e-14,
a millionth of what a stored vector is rounded by.

Shape letters: D embedding size.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

SECRET_BYTES: Final = 32

_DOMAIN: Final = b"walkprint rotation 1\0"
_UNIFORM_BITS: Final = 53
"""As many as a float64 holds."""
_KEPT_MATRICES: Final = 32
"""Half a megabyte each at 256 dimensions; making one takes some ten milliseconds."""


@lru_cache(maxsize=_KEPT_MATRICES)
def rotation_matrix(secret: bytes, size: int) -> NDArray[np.float64]:
    """The orthogonal matrix of a secret; read-only.

    Args:
        secret: `SECRET_BYTES` random bytes.
        size: D, at least 1.

    Returns:
        (D, D), with determinant 1 or -1: a reflection keeps scores as a rotation does.
    """
    q_dd, r_dd = np.linalg.qr(_normal(secret, size))
    # Without this, Q depends on which signs the library prefers, and is not uniform.
    matrix_dd: NDArray[np.float64] = q_dd * np.where(np.diag(r_dd) < 0.0, -1.0, 1.0)
    matrix_dd.setflags(write=False)
    return matrix_dd


def _normal(secret: bytes, size: int) -> NDArray[np.float64]:
    """(D, D) independent numbers of the standard normal distribution."""
    pairs = (size * size + 1) // 2
    seed = _DOMAIN + size.to_bytes(4, "little") + secret
    stream = hashlib.shake_256(seed).digest(pairs * 2 * 8)
    whole = np.frombuffer(stream, dtype="<u8") >> np.uint64(64 - _UNIFORM_BITS)
    # From 2^-53 to 1: the logarithm of zero is none.
    uniform = (whole.astype(np.float64) + 1.0) * 2.0**-_UNIFORM_BITS
    radius, angle = np.sqrt(-2.0 * np.log(uniform[:pairs])), 2.0 * np.pi * uniform[pairs:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return both[: size * size].reshape(size, size)
