"""The secret of a gallery's rotation, as the gallery's row holds it: wrapped by a master key."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, select, update

from app.registry.columns import AnyRow
from app.registry.rotation.problems import ProtectionNeedsMasterKey
from app.registry.rotation.rotation import PLAIN, Rotation
from app.registry.sealing import MasterKeyMissing, MasterKeys, StoredDataDamaged, Vault
from app.registry.sealing.master_keys import Wrapped
from app.registry.tables import galleries

ROTATION_COLUMNS: Final = (
    galleries.c.id.label("rotation_of"),
    galleries.c.rotation,
    galleries.c.rotation_master,
)
"""What a query of a gallery asks for, for `stored_rotation`."""


class StoredRotation(NamedTuple):
    """A gallery's rotation, as SQL has it.

    Attributes:
        gallery_id: number of the gallery.
        wrapped: its secret; None where the gallery is not protected.
        master: fingerprint of what wraps it; None likewise.
    """

    gallery_id: int
    wrapped: bytes | None
    master: str | None

    def opened(self, vault: Vault) -> Rotation:
        """The rotation itself.

        Raises:
            MasterKeyMissing: the master key was not set.
            StoredDataDamaged: the secret is another gallery's, or was changed.
        """
        if self.wrapped is None:
            return PLAIN
        if self.master is None:
            raise StoredDataDamaged(f"Gallery {self.gallery_id} has a rotation without its key.")
        keys = vault.keys
        if keys is None:
            raise MasterKeyMissing(self.master)
        return Rotation(
            keys.unwrap(Wrapped(self.wrapped, self.master), rotation_place(self.gallery_id))
        )


def stored_rotation(row: AnyRow) -> StoredRotation:
    """The rotation of a row that has `ROTATION_COLUMNS`."""
    return StoredRotation(row.rotation_of, row.rotation, row.rotation_master)


def rotation_of(connection: Connection, vault: Vault, gallery_id: int) -> Rotation:
    """The rotation of a gallery, as this transaction sees it."""
    row = connection.execute(select(*ROTATION_COLUMNS).where(galleries.c.id == gallery_id)).one()
    return stored_rotation(row).opened(vault)


def store_rotation(
    connection: Connection, keys: MasterKeys | None, gallery_id: int, rotation: Rotation
) -> None:
    """Writes a gallery's rotation; its templates are the caller's business.

    Raises:
        ProtectionNeedsMasterKey: nothing wraps the secret.
    """
    wrapped: Wrapped | None = None
    if rotation.secret is not None:
        if keys is None:
            raise ProtectionNeedsMasterKey
        wrapped = keys.wrap(rotation.secret, rotation_place(gallery_id))
    connection.execute(
        update(galleries)
        .where(galleries.c.id == gallery_id)
        .values(
            rotation=None if wrapped is None else wrapped.data,
            rotation_master=None if wrapped is None else wrapped.master,
        )
    )


def rotation_place(gallery_id: int) -> bytes:
    """What a wrapped secret is authenticated with: the number of its gallery."""
    return b"rotation\0" + gallery_id.to_bytes(8, "big")
