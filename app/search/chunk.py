"""A chunk: some ten thousand rows of one index, one template each, in plain arrays.

Rows are appended, and overwritten when their template is erased; they never move, so a search
that began before a change finds everything where it was. FAISS searches the arrays in place.

Shape letters: N rows, M some of them, S subjects, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from app.search.finder import Finder

_UNSORTED_ROWS = 4096
"""Rows at the end that are looked through one by one (20 us) before all are sorted again (4 ms)."""

Floats = NDArray[np.float32] | NDArray[np.float16]


class Chunk:
    """Room for rows, all of one precision.

    Args:
        capacity: most rows.
        dimensions: D.
        half: store the vectors as 16-bit floats, else as 32-bit ones.

    Attributes:
        vectors_nd: (capacity, D) float16 or float32.
        templates_n: (capacity,) int64, ascending.
        subjects_n: (capacity,) int64.
        finder: of close rows without a look at all of them; None while there is none.
    """

    def __init__(self, capacity: int, dimensions: int, *, half: bool) -> None:
        # Untouched memory costs nothing: the system gives a page when it is first written.
        self.vectors_nd: Floats = (
            np.empty((capacity, dimensions), dtype=np.float16)
            if half
            else np.empty((capacity, dimensions), dtype=np.float32)
        )
        self.templates_n = np.empty(capacity, dtype=np.int64)
        self.subjects_n = np.empty(capacity, dtype=np.int64)
        self.finder: Finder | None = None
        self._rows_by_subject_n = np.zeros(0, dtype=np.int32)

    @property
    def capacity(self) -> int:
        """Most rows."""
        return len(self.vectors_nd)

    @property
    def half(self) -> bool:
        """True when vectors are stored as 16-bit floats."""
        return self.vectors_nd.dtype == np.float16

    def write(
        self,
        start: int,
        templates_n: NDArray[np.int64],
        subjects_n: NDArray[np.int64],
        vectors_nd: Floats,
    ) -> None:
        """Fills rows that no search has seen yet.

        Args:
            start: the first row.
            templates_n: (N,) ids, above all that are there.
            subjects_n: (N,) numbers of their subjects.
            vectors_nd: (N, D), of either precision.
        """
        end = start + len(templates_n)
        self.templates_n[start:end] = templates_n
        self.subjects_n[start:end] = subjects_n
        if self.half and vectors_nd.dtype == np.float32:
            # As FAISS itself rounds; numpy takes twice as long.
            codes_nb = self.vectors_nd[start:end].view(np.uint8)
            _codec(vectors_nd.shape[1]).sa_encode(np.ascontiguousarray(vectors_nd), codes_nb)
        else:
            self.vectors_nd[start:end] = vectors_nd

    def read(self, rows_m: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """(M, D) float32, a copy of what is stored there."""
        stored_md = self.vectors_nd[rows_m]
        if not self.half:
            return stored_md.astype(np.float32, copy=isinstance(rows_m, slice))
        codes_mb = np.ascontiguousarray(stored_md).view(np.uint8)
        decoded_md: NDArray[np.float32] = _codec(stored_md.shape[1]).sa_decode(codes_mb)
        return decoded_md

    def erase(self, rows_m: NDArray[np.int64]) -> None:
        """Overwrites the vectors of rows that no search looks for any more.

        With not-a-number: no comparison with it holds, so FAISS never takes it for a close one.
        """
        self.vectors_nd[rows_m] = np.nan
        if self.finder is not None:
            self.finder.erase(rows_m)

    def wipe(self) -> None:
        """Overwrites all vectors: the chunk is not used any more."""
        self.vectors_nd.fill(np.nan)
        self.finder = None

    def flat(self, rows: int) -> Any:
        """A FAISS index over the first rows, in place; valid as long as the chunk."""
        dimensions = self.vectors_nd.shape[1]
        index = (
            faiss.IndexScalarQuantizer(
                dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
            if self.half
            else faiss.IndexFlatIP(dimensions)
        )
        codes = self.vectors_nd[:rows].reshape(-1).view(np.uint8)
        index.codes = _VectorView.create_view(
            faiss.swig_ptr(codes), codes.size, _OWNED_BY_NOBODY.owner
        )
        index.ntotal = rows
        return index

    def rows_of_templates(self, templates_m: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """Rows, below `size`, of those templates that are here."""
        held_n = self.templates_n[:size]
        places_m = np.searchsorted(held_n, templates_m)
        inside_m = places_m < size
        places_m, templates_m = places_m[inside_m], templates_m[inside_m]
        rows_m: NDArray[np.int64] = places_m[held_n[places_m] == templates_m]
        return rows_m

    def rows_of_subjects(self, subjects_s: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """Rows, below `size`, of some subjects, in no order; also those of erased templates.

        Args:
            subjects_s: (S,) numbers, ascending, each once.
            size: rows to look at.
        """
        by_subject_n = self._rows_by_subject_n
        if size - len(by_subject_n) > _UNSORTED_ROWS:
            by_subject_n = np.argsort(self.subjects_n[:size], kind="stable").astype(np.int32)
            self._rows_by_subject_n = by_subject_n
        ordered = len(by_subject_n)
        sorted_n = self.subjects_n[:ordered]
        first_s = np.searchsorted(sorted_n, subjects_s, "left", sorter=by_subject_n)
        past_s = np.searchsorted(sorted_n, subjects_s, "right", sorter=by_subject_n)
        sorted_rows_m: NDArray[np.int64] = by_subject_n[ranges(first_s, past_s)].astype(np.int64)
        if ordered >= size:
            # Sorted when there were more: what is behind belongs to later views.
            earlier_rows_m: NDArray[np.int64] = sorted_rows_m[sorted_rows_m < size]
            return earlier_rows_m
        is_theirs_n = np.isin(self.subjects_n[ordered:size], subjects_s)
        return np.concatenate([sorted_rows_m, ordered + np.flatnonzero(is_theirs_n)])


def ranges(first_s: NDArray[np.int64], past_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """All whole numbers from each first one up to its end, one after the other."""
    lengths_s = past_s - first_s
    total = int(lengths_s.sum())
    starts_s = np.cumsum(lengths_s) - lengths_s
    numbers_m: NDArray[np.int64] = np.arange(total) + np.repeat(first_s - starts_s, lengths_s)
    return numbers_m


def rewrite(parts: Sequence[tuple[Chunk, NDArray[np.int64]]], *, room: int, half: bool) -> Chunk:
    """A new chunk of some rows of others, in their order.

    Args:
        parts: chunks, at least one, and rows (M,) of each.
        room: capacity of the new chunk, at least the number of rows.
        half: precision of the new chunk.
    """
    made = Chunk(room, parts[0][0].vectors_nd.shape[1], half=half)
    start = 0
    for chunk, rows_m in parts:
        same = chunk.half == half
        vectors_md = chunk.vectors_nd[rows_m] if same else chunk.read(rows_m)
        made.write(start, chunk.templates_n[rows_m], chunk.subjects_n[rows_m], vectors_md)
        start += len(rows_m)
    return made


# FAISS asks who owns the memory it is given: nobody does, since the chunk outlives the index. The
# vector stays, because its `owner` points into it.
_OWNED_BY_NOBODY: Any = faiss.MaybeOwnedVectorUInt8()
_VectorView: Any = faiss.MaybeOwnedVectorUInt8


@lru_cache(maxsize=8)
def _codec(dimensions: int) -> Any:
    return faiss.IndexScalarQuantizer(
        dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
