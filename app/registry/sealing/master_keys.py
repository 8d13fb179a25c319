"""The master keys: what everything that is encrypted depends on, and the only thing that is not
in the database.

No master key encrypts anything itself: each purpose has a key of its own, derived by HKDF (RFC
5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from app.registry.sealing.aead import KEY_BYTES, Unauthentic, seal, unseal
from app.registry.sealing.problems import MasterKeyMissing, StoredDataDamaged

Purpose: TypeAlias = Literal["wrapping", "job-gei", "job-explanation", "snapshot", "collection"]

_FINGERPRINT_DIGITS: Final = 16

_log = structlog.get_logger(__name__)


class MasterKeyUnusable(Exception):
    """A master key that was set is none; the message says which, and how to make one."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret as it is stored.

    Attributes:
        data: encrypted.
        master: fingerprint of the master key that opens it.
    """

    data: bytes
    master: str


class MasterKey:
    """One master key. Shows only its fingerprint.

    Args:
        secret: 32 random bytes.

    Attributes:
        fingerprint: 16 hex digits that name the key, in the database and to people.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        digest = hashlib.sha256(b"walkprint master key\0" + secret).hexdigest()
        self.fingerprint = digest[:_FINGERPRINT_DIGITS]
        self.wrapping = AESGCM(self.derive("wrapping"))

    def derive(self, purpose: Purpose, context: bytes = b"") -> bytes:
        """A key of 32 bytes for one purpose.

        Args:
            purpose: what it encrypts.
            context: makes it another one for each thing of the kind.
        """
        info = b"walkprint/" + purpose.encode("ascii") + b"\0" + context
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._secret)

    def __repr__(self) -> str:
        return f"MasterKey({self.fingerprint})"


class MasterKeys:
    """The master key that encrypts, and those that still open what was encrypted earlier.

    Args:
        current: encrypts.
        old: open only.
    """

    def __init__(self, current: MasterKey, old: Sequence[MasterKey] = ()) -> None:
        self.current = current
        self._by_fingerprint = {each.fingerprint: each for each in (*old, current)}

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset(self._by_fingerprint)

    def of(self, fingerprint: str) -> MasterKey:
        """The key of that fingerprint.

        Raises:
            MasterKeyMissing: it was not set.
        """
        try:
            return self._by_fingerprint[fingerprint]
        except KeyError:
            raise MasterKeyMissing(fingerprint) from None

    def wrap(self, secret: bytes, bound_to: bytes) -> Wrapped:
        """Encrypts a secret that is stored in the database.

        Args:
            secret: any number of bytes.
            bound_to: what the secret is of: nothing else can be opened with it.
        """
        return Wrapped(seal(self.current.wrapping, secret, bound_to), self.current.fingerprint)

    def unwrap(self, wrapped: Wrapped, bound_to: bytes) -> bytes:
        """Decrypts such a secret.

        Raises:
            MasterKeyMissing: its master key was not set.
            StoredDataDamaged: it is of something else, or was changed.
        """
        try:
            return unseal(self.of(wrapped.master).wrapping, wrapped.data, bound_to)
        except Unauthentic:
            raise StoredDataDamaged("A stored key is damaged, or stands in a wrong row.") from None


MasterKeySource: TypeAlias = Callable[[], MasterKeys]
"""Gives the keys of this moment."""


def new_master_key() -> str:
    """A new key, as it is set: 32 random bytes in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def open_master_keys(
    key: SecretStr | None, old_keys: SecretStr | None, file: Path | None
) -> MasterKeySource | None:
    """The keys that the settings name.

    Args:
        key: the current one, in base64.
        old_keys: those before it, with commas between them.
        file: one key a line, the current one first, in place of the other two; looked at again
            whenever it changes, so that a running service learns of a new key.

    Returns:
        None where nothing is set: then nothing is encrypted.

    Raises:
        MasterKeyUnusable: one of them is no key.
    """
    if file is not None:
        return _KeyFile(file)
    if key is None:
        return None
    words = [key.get_secret_value()]
    if old_keys is not None:
        words += [word for word in old_keys.get_secret_value().split(",") if word.strip()]
    keys = _parsed(words, "the master key that is set")
    return lambda: keys


class _KeyFile:
    """Reads a file of keys; keeps what it knew while the file cannot be read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        try:
            self._seen = self._state()
            self._keys = self._read()
        except OSError as error:
            raise MasterKeyUnusable(
                f"The master key file {file} cannot be read: {error.strerror}."
            ) from error

    def __call__(self) -> MasterKeys:
        with self._lock:
            try:
                state = self._state()
                if state != self._seen:
                    # Noted first: a file that is wrong is told of once.
                    self._seen = state
                    self._keys = self._read()
                    _log.info("master keys read again", current=self._keys.current.fingerprint)
            except (OSError, MasterKeyUnusable) as error:
                _log.warning("the master key file is not used as it is now", reason=str(error))
            return self._keys

    def _state(self) -> tuple[int, int, int]:
        status = self._file.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> MasterKeys:
        lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        return _parsed([line for line in lines if line.strip()], str(self._file))


def _parsed(words: Sequence[str], where: str) -> MasterKeys:
    keys = []
    for number, word in enumerate(words, start=1):
        try:
            secret = base64.b64decode(word.strip(), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != KEY_BYTES:
            raise MasterKeyUnusable(
                f"Key {number} of {where} is not 32 bytes in base64. `walkprint encryption new-key`"
                " makes one."
            )
        keys.append(MasterKey(secret))
    if not keys:
        raise MasterKeyUnusable(f"There is no key in {where}.")
    return MasterKeys(keys[0], keys[1:])
