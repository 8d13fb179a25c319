"""The vault: through it every gait energy image and every vector enters and leaves the database.

Without a master key it lets them pass as they are. Rows of both kinds may stand side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, case, func

from app.registry.columns import Clock
from app.registry.sealing.aead import OVERHEAD_BYTES, Unauthentic, seal, unseal
from app.registry.sealing.data_keys import DataKey, StoredKey, keys_of_subjects, unwrapped
from app.registry.sealing.master_keys import MasterKeys, MasterKeySource, Wrapped
from app.registry.sealing.problems import MasterKeyMissing, StoredDataDamaged
from app.registry.tables import templates

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_SHOWN_BYTES: Final = 24
"""What a PNG begins with: its signature and its size (PNG, section 11.2.2). Stays readable, and is
authenticated, so that SQL can tell which checkpoints take an image (unembedded.py)."""
_NO_PNG: Final = b"\0"
_OfJob = Literal["job-gei", "job-explanation"]

VECTOR_BYTES: Final[ColumnElement[int]] = func.length(templates.c.vector) - case(
    (templates.c.data_key_id.is_(None), 0), else_=OVERHEAD_BYTES
)
"""Length of a template's vector in bytes, encrypted or not, as SQL sees it."""


class Stored(NamedTuple):
    """What goes into a row.

    Attributes:
        data: encrypted where there is a key.
        data_key_id: of the key; None where there is none.
    """

    data: bytes
    data_key_id: int | None


class StoredOfJob(NamedTuple):
    """What is kept beside a job's answer, as it goes into its row: an image, or an explanation.

    Attributes:
        data: encrypted where there is a key.
        master: fingerprint of the master key; None where there is none.
    """

    data: bytes
    master: str | None


class Sealing:
    """Encrypts what is stored of some subjects, within one writing transaction.

    Args:
        keys: of the subjects, by their numbers; None where nothing is encrypted.
    """

    def __init__(self, keys: Mapping[int, DataKey] | None) -> None:
        self._keys = keys

    def gei(self, subject_id: int, walk_id: str, gei_png: bytes) -> Stored:
        """A walk's image, as `walks.gei` and `walks.data_key_id` hold it."""
        if self._keys is None:
            return Stored(gei_png, None)
        key = self._keys[subject_id]
        is_png = gei_png.startswith(_PNG_SIGNATURE) and len(gei_png) >= _PNG_SHOWN_BYTES
        shown, hidden = (
            (gei_png[:_PNG_SHOWN_BYTES], gei_png[_PNG_SHOWN_BYTES:])
            if is_png
            else (_NO_PNG, gei_png)
        )
        return Stored(shown + seal(key.cipher, hidden, _gei_place(walk_id) + shown), key.id)

    def vector(
        self, subject_id: int, walk_id: str, checkpoint_id: str, vector_d: NDArray[np.float32]
    ) -> Stored:
        """A walk's (D,) vector, as `templates.vector` and `templates.data_key_id` hold it."""
        return self.vector_bytes(
            subject_id, walk_id, checkpoint_id, vector_d.astype("<f4").tobytes()
        )

    def vector_bytes(
        self, subject_id: int, walk_id: str, checkpoint_id: str, vector: bytes
    ) -> Stored:
        """Likewise, of a vector that is float32, little endian, already."""
        if self._keys is None:
            return Stored(vector, None)
        key = self._keys[subject_id]
        return Stored(seal(key.cipher, vector, _vector_place(walk_id, checkpoint_id)), key.id)


class Opening:
    """Decrypts what was read. Remembers the data keys it met, so it is for one transaction.

    Args:
        keys: the master keys; None where none is set.
    """

    def __init__(self, keys: MasterKeys | None) -> None:
        self._keys = keys
        self._ciphers: dict[int, AESGCM] = {}

    def gei(self, walk_id: str, stored: bytes, key: StoredKey) -> bytes:
        """A walk's image, as PNG bytes.

        Raises:
            MasterKeyMissing: the master key was not set.
            StoredDataDamaged: the image is another walk's, was changed, or its key is gone.
        """
        if key.id is None:
            return stored
        shown_bytes = len(_NO_PNG) if stored.startswith(_NO_PNG) else _PNG_SHOWN_BYTES
        shown, sealed = stored[:shown_bytes], stored[shown_bytes:]
        try:
            hidden = unseal(self._cipher(key.id, key, walk_id), sealed, _gei_place(walk_id) + shown)
        except Unauthentic:
            raise StoredDataDamaged(
                f"The image of the walk {walk_id} was changed.", walk=walk_id
            ) from None
        return hidden if shown == _NO_PNG else shown + hidden

    def vector(self, walk_id: str, checkpoint_id: str, stored: bytes, key: StoredKey) -> bytes:
        """A walk's vector: float32, little endian.

        Raises:
            MasterKeyMissing: the master key was not set.
            StoredDataDamaged: the vector is of something else, was changed, or its key is gone.
        """
        if key.id is None:
            return stored
        cipher = self._ciphers.get(key.id) or self._cipher(key.id, key, walk_id)
        try:
            return unseal(cipher, stored, _vector_place(walk_id, checkpoint_id))
        except Unauthentic:
            raise StoredDataDamaged(
                f"The template of the walk {walk_id} by {checkpoint_id} was changed.",
                walk=walk_id,
            ) from None

    def forget_keys(self) -> None:
        """Drops the data keys it met, where there are very many."""
        self._ciphers.clear()

    def _cipher(self, key_id: int, key: StoredKey, walk_id: str) -> AESGCM:
        cipher = self._ciphers.get(key_id)
        if cipher is not None:
            return cipher
        if key.wrapped is None or key.master is None:
            raise StoredDataDamaged(
                f"The key of the walk {walk_id} is gone, and what it encrypted with it.",
                walk=walk_id,
            )
        if self._keys is None:
            raise MasterKeyMissing(key.master)
        cipher = unwrapped(self._keys, key_id, Wrapped(key.wrapped, key.master))
        self._ciphers[key_id] = cipher
        return cipher


class Vault:
    """Encrypts and decrypts what a database keeps of people. Safe for threads to share.

    Args:
        source: gives the master keys; None where nothing is encrypted.
        clock: gives the present instant in UTC.
    """

    def __init__(self, source: MasterKeySource | None, clock: Clock) -> None:
        self._source = source
        self._now = clock

    @property
    def keys(self) -> MasterKeys | None:
        """The master keys of this moment; None where nothing is encrypted."""
        return None if self._source is None else self._source()

    def sealing(self, connection: Connection, subject_ids: Collection[int]) -> Sealing:
        """What encrypts for some subjects; makes the data keys that are missing.

        Args:
            connection: of a writing transaction that holds these subjects, or their gallery.
            subject_ids: numbers of their rows.
        """
        keys = self.keys
        if keys is None:
            return Sealing(None)
        return Sealing(keys_of_subjects(connection, keys, subject_ids, self._now()))

    def opening(self) -> Opening:
        """What decrypts the rows of one transaction."""
        return Opening(self.keys)

    def sealed_job_gei(self, job_id: str, walker: int, gei_png: bytes) -> StoredOfJob:
        """An image of an answer, which belongs to nobody the service knows: a key for each job."""
        return self._sealed_of_job("job-gei", job_id, walker, gei_png)

    def sealed_explanation(self, job_id: str, walker: int, document: bytes) -> StoredOfJob:
        """What an answer rests on, likewise."""
        return self._sealed_of_job("job-explanation", job_id, walker, document)

    def opened_job_gei(self, job_id: str, walker: int, stored: StoredOfJob) -> bytes:
        """Such an image, as PNG bytes.

        Raises:
            MasterKeyMissing: the master key was not set.
            StoredDataDamaged: it is of something else, or was changed.
        """
        return self._opened_of_job("job-gei", job_id, walker, stored)

    def opened_explanation(self, job_id: str, walker: int, stored: StoredOfJob) -> bytes:
        """What an answer rests on, as JSON; raises as `opened_job_gei`."""
        return self._opened_of_job("job-explanation", job_id, walker, stored)

    def _sealed_of_job(
        self, purpose: _OfJob, job_id: str, walker: int, content: bytes
    ) -> StoredOfJob:
        keys = self.keys
        if keys is None:
            return StoredOfJob(content, None)
        cipher = AESGCM(keys.current.derive(purpose, job_id.encode()))
        return StoredOfJob(seal(cipher, content, _walker(walker)), keys.current.fingerprint)

    def _opened_of_job(
        self, purpose: _OfJob, job_id: str, walker: int, stored: StoredOfJob
    ) -> bytes:
        if stored.master is None:
            return stored.data
        keys = self.keys
        if keys is None:
            raise MasterKeyMissing(stored.master)
        cipher = AESGCM(keys.of(stored.master).derive(purpose, job_id.encode()))
        try:
            return unseal(cipher, stored.data, _walker(walker))
        except Unauthentic:
            raise StoredDataDamaged(f"An image of the job {job_id} was changed.") from None


def _gei_place(walk_id: str) -> bytes:
    return f"gei\0{walk_id}\0".encode()


def _vector_place(walk_id: str, checkpoint_id: str) -> bytes:
    return f"vector\0{walk_id}\0{checkpoint_id}".encode()


def _walker(number: int) -> bytes:
    return f"walker\0{number}".encode()
