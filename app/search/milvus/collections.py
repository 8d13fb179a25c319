"""Collections of a Milvus: what is asked of them, in arrays.

An entity is one template: its id, the number of its subject, the revision that it was brought in
for, its vector. Reads are strongly consistent: each sees every write that was acknowledged before.

Shape letters: N entities, M of them found, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.search.milvus.connection import PATIENCE_SECONDS, CollectionGone, Server

MOST_FOUND: Final = 16_384
"""Entities that one search gives for one vector (Milvus's limit; milvus.io/docs/limitations.md)."""

PIECE: Final = 4096
"""Entities in one call: of 512 values each they are 8 MB; Milvus takes and gives up to 64 MB."""

_STRONG: Final = "Strong"
_READ_SECONDS: Final = 20.0
_WRITE_SECONDS: Final = 20.0
_PURGE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Entities:
    """Entities as they are stored.

    Attributes:
        templates_n: (N,) int64 ids.
        subjects_n: (N,) int64 numbers of their subjects.
        revisions_n: (N,) int64, the revision that each was brought in for.
        vectors_nd: (N, D) float32; (0, 0) of none.
    """

    templates_n: NDArray[np.int64]
    subjects_n: NDArray[np.int64]
    revisions_n: NDArray[np.int64]
    vectors_nd: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """The entities closest to any of K vectors.

    Attributes:
        templates_m: (M,) int64 ids.
        subjects_m: (M,) int64 numbers of their subjects.
        scores_m: (M,) float32 inner products, as Milvus computed them.
        down_to: no entity that is left out scores higher, where all were compared; -inf when none
            was left out.
    """

    templates_m: NDArray[np.int64]
    subjects_m: NDArray[np.int64]
    scores_m: NDArray[np.float32]
    down_to: float


_INDEXES: Final[dict[str, dict[str, Any]]] = {
    "flat": {"index_type": "FLAT"},
    "hnsw": {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 200}},
    "ivf_sq8": {"index_type": "IVF_SQ8", "params": {"nlist": 1024}},
}


class Collections:
    """The collections of one service in one Milvus.

    Args:
        server: the Milvus.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def ping(self) -> None:
        """Raises IndexAway where Milvus does not answer."""
        self.names()

    def names(self) -> set[str]:
        """Of the collections that begin with the service's prefix."""
        begin = f"{self._server.prefix}_"
        names = self._server.call(lambda client: client.list_collections(timeout=PATIENCE_SECONDS))
        return {name for name in names if name.startswith(begin)}

    def create(self, name: str, dimensions: int) -> None:
        """Makes an empty collection, ready to be searched.

        Args:
            name: one that is not taken.
            dimensions: D.
        """
        types = self._server.types

        def make(client: Any) -> None:
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("template", types.INT64, is_primary=True)
            schema.add_field("subject", types.INT64)
            schema.add_field("revision", types.INT64)
            schema.add_field("vector", types.FLOAT_VECTOR, dim=dimensions)
            index = client.prepare_index_params()
            index.add_index("vector", metric_type="IP", **_INDEXES[self._server.kind])
            client.create_collection(
                name,
                schema=schema,
                index_params=index,
                consistency_level=_STRONG,
                timeout=_WRITE_SECONDS,
            )

        self._server.call(make)

    def drop(self, name: str) -> None:
        """Removes a collection, if it is there."""
        with suppress(CollectionGone):
            self._server.call(lambda client: client.drop_collection(name, timeout=_WRITE_SECONDS))

    def upsert(
        self,
        name: str,
        templates_n: NDArray[np.int64],
        subjects_n: NDArray[np.int64],
        vectors_nd: NDArray[np.float32],
        revision: int,
    ) -> None:
        """Puts entities in; those of the same ids are replaced.

        Args:
            name: of the collection.
            templates_n: (N,) ids.
            subjects_n: (N,) numbers of their subjects.
            vectors_nd: (N, D).
            revision: that they are brought in for.
        """
        rows = [
            {"template": template, "subject": subject, "revision": revision, "vector": vector_d}
            for template, subject, vector_d in zip(
                templates_n.tolist(), subjects_n.tolist(), vectors_nd, strict=True
            )
        ]
        for start in range(0, len(rows), PIECE):
            self._write("upsert", name, data=rows[start : start + PIECE])

    def delete(self, name: str, templates_n: NDArray[np.int64]) -> None:
        """Takes entities out; ids that are not there are passed over.

        Args:
            name: of the collection.
            templates_n: (N,) ids, at most `PIECE`.
        """
        self._write("delete", name, ids=templates_n.tolist())

    def fetch(self, name: str, templates_n: NDArray[np.int64]) -> Entities | None:
        """Reads entities by their ids; what is not there is left out.

        Args:
            name: of the collection.
            templates_n: (N,) ids, at most `PIECE`.

        Returns:
            None where there is none of them.
        """
        rows = self._rows(
            name,
            f"template in {templates_n.tolist()}",
            ["template", "subject", "revision", "vector"],
        )
        if not rows:
            return None
        return Entities(
            np.array([row["template"] for row in rows], dtype=np.int64),
            np.array([row["subject"] for row in rows], dtype=np.int64),
            np.array([row["revision"] for row in rows], dtype=np.int64),
            np.array([row["vector"] for row in rows], dtype=np.float32),
        )

    def count(self, name: str) -> int:
        """How many entities there are."""
        return int(self._rows(name, "template >= 0", ["count(*)"])[0]["count(*)"])

    def find(
        self,
        name: str,
        vectors_kd: NDArray[np.float32],
        wanted: int,
        *,
        without_templates: Sequence[int] = (),
        without_subjects: Sequence[int] = (),
    ) -> Found:
        """The entities closest to any of K vectors.

        Args:
            name: of the collection.
            vectors_kd: (K, D).
            wanted: entities for each of them, at most `MOST_FOUND`.
            without_templates: ids to pass over.
            without_subjects: numbers of subjects to pass over.
        """
        conditions = []
        if without_templates:
            conditions.append(f"template not in {list(without_templates)}")
        if without_subjects:
            conditions.append(f"subject not in {list(without_subjects)}")
        answers = self._server.call(
            lambda client: client.search(
                name,
                data=list(vectors_kd),
                limit=wanted,
                filter=" and ".join(conditions),
                output_fields=["subject"],
                search_params={"metric_type": "IP", "params": self._effort(wanted)},
                consistency_level=_STRONG,
                timeout=PATIENCE_SECONDS,
            )
        )
        hits = [hit for answer in answers for hit in answer]
        lowest = [
            min((hit["distance"] for hit in answer), default=float("-inf"))
            if len(answer) >= wanted
            else float("-inf")
            for answer in answers
        ]
        return Found(
            np.array([hit["template"] for hit in hits], dtype=np.int64),
            np.array([hit["entity"]["subject"] for hit in hits], dtype=np.int64),
            np.array([hit["distance"] for hit in hits], dtype=np.float32),
            max(lowest),
        )

    def purge(self, name: str) -> None:
        """Has Milvus write out what it holds and rewrite segments without what was deleted.

        It does so by itself, in its own time; this asks for it to be done soon.
        """
        self._server.call(lambda client: client.flush(name, timeout=_PURGE_SECONDS))
        self._server.call(lambda client: client.compact(name, timeout=_PURGE_SECONDS))

    def _write(self, what: str, name: str, **rows: list[Any]) -> None:
        self._server.call(
            lambda client: getattr(client, what)(name, timeout=_WRITE_SECONDS, **rows)
        )

    def _rows(self, name: str, which: str, fields: list[str]) -> list[dict[str, Any]]:
        def ask(client: Any) -> list[dict[str, Any]]:
            rows = client.query(
                name,
                filter=which,
                output_fields=fields,
                consistency_level=_STRONG,
                timeout=_READ_SECONDS,
            )
            return list(rows)

        return self._server.call(ask)

    def _effort(self, wanted: int) -> dict[str, int]:
        if self._server.kind == "hnsw":
            return {"ef": max(256, 2 * wanted)}
        return {"nprobe": 64} if self._server.kind == "ivf_sq8" else {}
