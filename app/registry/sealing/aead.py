"""AES-256-GCM (NIST SP 800-38D) with random nonces: nonce ‖ ciphertext ‖ tag.

A nonce of 96 random bits is safe for 2^32 messages under one key (SP 800-38D, section 8.3). A
subject's data key sees one for each walk and one for each template; the key that wraps data keys
sees one for each subject and each rotation.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES


class Unauthentic(Exception):
    """These bytes were not sealed by this key for this place."""


def seal(cipher: AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Encrypts; the result is `OVERHEAD_BYTES` longer.

    Args:
        cipher: of the key.
        plain: what to hide.
        associated: what must be the same when it is opened: where it belongs.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, associated)


def unseal(cipher: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    """Decrypts.

    Raises:
        Unauthentic: another key, another place, or changed since.
    """
    if len(sealed) < OVERHEAD_BYTES:
        raise Unauthentic
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except InvalidTag:
        raise Unauthentic from None
