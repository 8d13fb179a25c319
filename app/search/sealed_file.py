"""An encrypted file that is written and read from its beginning to its end, however long.

    line "walkprint sealed" · fingerprint of the master key · salt · records

Each record is 1 MiB of the content, the last one maybe less, encrypted by AES-256-GCM under a key
that HKDF makes of the master key and the salt, for this file alone. Its nonce is its number and
whether it is the last: no record can be left out, repeated, moved or cut off unnoticed (the STREAM
construction; Hoang, Reyhanitabar, Rogaway, Vizár 2015).
"""

from __future__ import annotations

import os
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.registry.sealing import MasterKeyMissing, MasterKeys

_MAGIC: Final = b"walkprint sealed\n"
_FINGERPRINT_BYTES: Final = 16
_SALT_BYTES: Final = 32
_HEAD_BYTES: Final = len(_MAGIC) + _FINGERPRINT_BYTES + _SALT_BYTES
_RECORD_BYTES: Final = 1 << 20
_TAG_BYTES: Final = 16
_NUMBER_BYTES: Final = 11


class NotSealed(Exception):
    """These are not the bytes of a file that was sealed with one of the keys."""


class SealedWriter:
    """Encrypts what is written to it; `finish` writes the end.

    Args:
        file: open for writing, at its start.
        keys: the current one encrypts.
    """

    def __init__(self, file: IO[bytes], keys: MasterKeys) -> None:
        salt = os.urandom(_SALT_BYTES)
        self._file = file
        self._head = _MAGIC + keys.current.fingerprint.encode("ascii") + salt
        self._cipher = AESGCM(keys.current.derive("snapshot", salt))
        self._waiting = bytearray()
        self._number = 0
        file.write(self._head)

    def write(self, data: bytes | memoryview) -> None:
        """Takes some of the content."""
        self._waiting += data
        # The last record is never empty, so what fills one waits until more comes.
        whole = (len(self._waiting) - 1) // _RECORD_BYTES * _RECORD_BYTES
        if whole > 0:
            with memoryview(self._waiting) as view:
                for start in range(0, whole, _RECORD_BYTES):
                    self._put(view[start : start + _RECORD_BYTES], is_last=False)
            del self._waiting[:whole]

    def finish(self) -> None:
        """Writes what waits, as the last record."""
        self._put(self._waiting, is_last=True)

    def _put(self, plain: bytearray | memoryview, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._file.write(self._cipher.encrypt(nonce, plain, self._head))
        self._number += 1


class SealedReader:
    """Decrypts a file as it is read.

    Args:
        file: open for reading, at its start.
        keys: those that may have encrypted it.
        file_bytes: length of the file.

    Attributes:
        size_bytes: length of the content.

    Raises:
        NotSealed: it is no such file, or its master key is not among them.
    """

    def __init__(self, file: IO[bytes], keys: MasterKeys, file_bytes: int) -> None:
        head = file.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES or not head.startswith(_MAGIC):
            raise NotSealed("it is not encrypted")
        named = head[len(_MAGIC) : -_SALT_BYTES].decode("ascii", errors="replace")
        try:
            key = keys.of(named).derive("snapshot", head[-_SALT_BYTES:])
        except MasterKeyMissing:
            raise NotSealed("another master key encrypted it") from None
        records, rest = divmod(file_bytes - _HEAD_BYTES, _RECORD_BYTES + _TAG_BYTES)
        self.size_bytes = records * _RECORD_BYTES + max(0, rest - _TAG_BYTES)
        self._last = records if rest else records - 1
        self._file = file
        self._head = head
        self._cipher = AESGCM(key)
        self._number = 0
        self._record = memoryview(b"")

    def read(self, most: int) -> bytes:
        """So many bytes, or fewer at the end of the file.

        Raises:
            NotSealed: they are not as they were written.
        """
        parts = []
        while most and (part := self._next(most)):
            parts.append(bytes(part))
            most -= len(part)
        return b"".join(parts)

    def readinto(self, target: memoryview) -> int:
        """Fills the beginning of a buffer; returns how far, 0 at the end of the file.

        Raises:
            NotSealed: they are not as they were written.
        """
        part = self._next(len(target))
        target[: len(part)] = part
        return len(part)

    def _next(self, most: int) -> memoryview:
        if not self._record and self._number <= self._last:
            sealed = self._file.read(_RECORD_BYTES + _TAG_BYTES)
            nonce = _nonce(self._number, is_last=self._number == self._last)
            try:
                self._record = memoryview(self._cipher.decrypt(nonce, sealed, self._head))
            except InvalidTag:
                raise NotSealed("it is not as it was written") from None
            self._number += 1
        part, self._record = self._record[:most], self._record[most:]
        return part


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])
