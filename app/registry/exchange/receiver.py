"""What the database that a gallery comes into can use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from app.errors import InvalidField
from app.registry.activations import hold, serving_now
from app.registry.checkpoints import gei_size
from app.registry.sealing import VECTOR_BYTES
from app.registry.tables import checkpoints, galleries, templates
from app.registry.unembedded import GeiSize

_FLOAT32_BYTES = 4

# One look-up in the index per gallery: no template of a large table is searched for.
_VECTOR_BYTES = select(
    select(VECTOR_BYTES)
    .where(
        templates.c.gallery_id == galleries.c.id,
        templates.c.checkpoint_id == bindparam("checkpoint_id"),
    )
    .limit(1)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Which templates are wanted.

    Attributes:
        checkpoints: ids of those that are installed here.
        serving: id of the one that searches use; None where no service has been yet.
        gei_size: of the images that it takes, if known.
    """

    checkpoints: frozenset[str]
    serving: str | None
    gei_size: GeiSize | None


def receiver_of(connection: Connection) -> Receiver:
    """What is wanted now; what serves stays the same until the transaction ends.

    Args:
        connection: of a writing transaction that holds the gallery.
    """
    installed = frozenset(connection.execute(select(checkpoints.c.id)).scalars())
    if serving_now(connection) is None:
        return Receiver(installed, None, None)
    serving = hold(connection, exclusively=False).active
    return Receiver(installed, serving, gei_size(connection, serving))


def check_embedding_sizes(connection: Connection, embedding_sizes: Mapping[str, int]) -> None:
    """Makes sure that embeddings of one checkpoint have one size, in the file and here.

    Args:
        connection: of any transaction.
        embedding_sizes: D, by the id of each checkpoint of the file.

    Raises:
        InvalidField: a checkpoint's embeddings have another size here.
    """
    for checkpoint_id, size in embedding_sizes.items():
        known = _embedding_size(connection, checkpoint_id)
        if known is not None and known != size:
            raise InvalidField(
                "checkpoints",
                f"The checkpoint '{checkpoint_id}' gives {known} values here, not {size}.",
            )


def _embedding_size(connection: Connection, checkpoint_id: str) -> int | None:
    """As its templates here show; else as the checkpoint says of itself."""
    lengths = connection.execute(_VECTOR_BYTES, {"checkpoint_id": checkpoint_id}).scalars()
    for vector_bytes in lengths:
        if vector_bytes is not None:
            return int(vector_bytes) // _FLOAT32_BYTES
    about = connection.execute(
        select(checkpoints.c.about).where(checkpoints.c.id == checkpoint_id)
    ).scalar_one_or_none()
    size = (about or {}).get("network", {}).get("embedding_size")
    return size if isinstance(size, int) else None
