"""The service's own key: Ed25519 (RFC 8032), for what it must be able to prove later.

It signs the end of the audit log and the receipts of erasures. Each signature names its purpose, so
that one of a kind is never taken for one of another.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

Purpose: TypeAlias = Literal["audit-head", "erasure-receipt"]

_PRIVATE_MARK = b"PRIVATE KEY-----"


class KeyFileUnusable(Exception):
    """A key file that is no Ed25519 key as PEM; the message says which file and what to do."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What checks the service's signatures. Equal keys are equal values.

    Attributes:
        raw: 32 bytes.
    """

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the 32 bytes, 64 characters: names the key wherever it signed."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def pem(self) -> str:
        """The key as other tools read it: SubjectPublicKeyInfo, PEM."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def verifies(self, purpose: Purpose, message: bytes, signature: bytes) -> bool:
        """Whether this key's owner signed a message for a purpose."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        try:
            key.verify(signature, _marked(purpose, message))
        except InvalidSignature:
            return False
        return True


class Signer:
    """Signs with the service's key. Safe for threads to share.

    Args:
        key: the private key.

    Attributes:
        public: what checks the signatures.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw())

    def sign(self, purpose: Purpose, message: bytes) -> bytes:
        """Signs a message for one purpose only.

        Returns:
            64 bytes: the Ed25519 signature of "walkprint/", the purpose, a zero byte and the
            message.
        """
        return self._key.sign(_marked(purpose, message))


def open_signer(file: Path) -> Signer:
    """Reads the service's key, or makes it where there is none; only its owner may read the file.

    Processes that start at once get the same key.

    Args:
        file: PEM, PKCS 8, not encrypted.

    Raises:
        KeyFileUnusable: the file holds something else.
        OSError: it can be neither read nor made.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        _make(file)
        content = file.read_bytes()
    return Signer(_private_key(content, file))


def read_public_key(file: Path) -> PublicKey:
    """Reads a public key, or the public part of a private one.

    Raises:
        KeyFileUnusable: the file holds something else.
        OSError: it cannot be read.
    """
    content = file.read_bytes()
    if _PRIVATE_MARK in content:
        return Signer(_private_key(content, file)).public
    try:
        key = load_pem_public_key(content)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileUnusable(f"{file} holds no Ed25519 public key as PEM.")
    return PublicKey(key.public_bytes_raw())


def _private_key(content: bytes, file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileUnusable(
            f"{file} holds no Ed25519 private key as unencrypted PEM. Put the right file there;"
            " without any file a new key is made, and what was signed before needs the old one's"
            " public part to be checked."
        )
    return key


def _make(file: Path) -> None:
    """Puts a new key there, complete or not at all; whoever comes second leaves the first one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        try:
            # Unlike a rename, a link never replaces a key that is there by now.
            file.hardlink_to(part)
        except FileExistsError:
            return
    finally:
        part.unlink()
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _marked(purpose: Purpose, message: bytes) -> bytes:
    return b"walkprint/" + purpose.encode("ascii") + b"\0" + message
