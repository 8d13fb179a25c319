"""What one search sees: an index at one revision, unchanged however it goes on meanwhile.

Shape letters: N rows, M some of them, S subjects, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.registry.rotation import PLAIN, Rotation
from app.search.chunk import Chunk

_SCORED_AT_LEAST = 128
"""Rows of a chunk that are scored exactly after a finder named them (recall: bench_registry)."""
_SCORED_PER_WANTED = 4
_FINDER_GIVES_UP = 1024
"""Rows wanted of a chunk from which all of it is read instead: scoring one by one costs more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How an index lies in memory.

    Attributes:
        chunk_rows: most rows of a chunk. What is rewritten at once takes 20 ms (256-d, fp16), and
            a search of one chunk 1.3 ms, beside which calling FAISS chunk by chunk costs nothing.
        half_from: templates from which on vectors are stored as 16-bit floats (design.md, 6).
    """

    chunk_rows: int = 65_536
    half_from: int = 500_000


@dataclass(frozen=True, slots=True)
class Look:
    """The closest rows of one chunk.

    Attributes:
        scores_m: (M,) float32 cosine similarities.
        rows_m: (M,) their rows; all hold living templates.
        down_to: no row that is left out scores higher; -inf when none was left out.
    """

    scores_m: NDArray[np.float32]
    rows_m: NDArray[np.int64]
    down_to: float


@dataclass(frozen=True, slots=True)
class ChunkView:
    """The first rows of a chunk, as they were at one revision.

    Attributes:
        chunk: holds them.
        size: N, how many.
        alive_n: (N or more,) whether a row's template was still there.
        living: how many were.
        flat: FAISS's index over the N rows.
    """

    chunk: Chunk
    size: int
    alive_n: NDArray[np.bool_]
    living: int
    flat: Any

    @classmethod
    def of(cls, chunk: Chunk, size: int, alive_n: NDArray[np.bool_], living: int) -> ChunkView:
        """The first `size` rows of a chunk."""
        return cls(chunk, size, alive_n, living, chunk.flat(size))

    def living_rows(self) -> NDArray[np.int64]:
        """(living,) rows, ascending."""
        return np.flatnonzero(self.alive_n[: self.size])

    def living_templates(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(N,) subjects and (N, D) float32 vectors of all living templates, copied."""
        rows_m = self.living_rows()
        return self.chunk.subjects_n[rows_m], self.chunk.read(rows_m)

    def look(self, vectors_kd: NDArray[np.float32], wanted: int) -> Look:
        """The rows closest to any of K vectors.

        Args:
            vectors_kd: (K, D) float32, contiguous.
            wanted: rows for each of them.
        """
        finder = self.chunk.finder
        if finder is None or wanted > _FINDER_GIVES_UP:
            scores_kn, rows_kn = self.flat.search(vectors_kd, min(wanted, self.size))
        else:
            scored = max(_SCORED_AT_LEAST, _SCORED_PER_WANTED * wanted)
            rows_kn = finder.closest(vectors_kd, scored)
            scores_kn = self._scores(vectors_kd, rows_kn)
        # FAISS fills up with -1 where a chunk has fewer rows than wanted, overwritten ones aside.
        lives_kn = (rows_kn >= 0) & self.alive_n[rows_kn]
        if wanted >= self.size or (rows_kn < 0).any():
            down_to = float("-inf")
        else:
            down_to = float(np.where(lives_kn, scores_kn, np.inf).min(axis=1).max())
        return Look(scores_kn[lives_kn], rows_kn[lives_kn], down_to)

    def _scores(
        self, vectors_kd: NDArray[np.float32], rows_kn: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        stored_knd = self.chunk.read(rows_kn.reshape(-1)).reshape(*rows_kn.shape, -1)
        scores_kn: NDArray[np.float32] = np.einsum("kd,knd->kn", vectors_kd, stored_knd)
        return scores_kn


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an index is.

    Attributes:
        revision: of the gallery.
        templates: how many are held.
        removals: how many were ever removed.
    """

    revision: int
    templates: int
    removals: int

    @property
    def added(self) -> int:
        """How many templates were ever added."""
        return self.templates + self.removals


@dataclass(frozen=True, slots=True)
class View:
    """An index at one revision.

    Attributes:
        revision: of the gallery.
        chunks: all rows; template ids ascend through them.
        subjects: how many have a living template.
        removals: how many templates were ever removed, up to here.
        sum_d: (D,) float64, of all living vectors as they are stored; (0,) before the first.
        layout: of the chunks.
        rotation: what the vectors are under at this revision, so that a probe is never turned by
            another; that of a snapshot's view comes with the changes that are applied to it.
    """

    revision: int
    chunks: tuple[ChunkView, ...]
    subjects: int
    removals: int
    sum_d: NDArray[np.float64]
    layout: Layout = Layout()
    rotation: Rotation = PLAIN

    @classmethod
    def empty(cls, layout: Layout | None = None) -> View:
        """An index that holds nothing, at revision 0."""
        nothing_d = np.zeros(0, dtype=np.float64)
        return cls(0, (), 0, 0, nothing_d, layout or Layout())

    @property
    def templates(self) -> int:
        """How many templates are held."""
        return sum(each.living for each in self.chunks)

    @property
    def mark(self) -> Mark:
        """How far the index was."""
        return Mark(self.revision, self.templates, self.removals)

    def rows_of_subjects(
        self, subjects_s: NDArray[np.int64]
    ) -> Iterator[tuple[ChunkView, NDArray[np.int64]]]:
        """Chunk by chunk, the rows of some subjects' living templates.

        Args:
            subjects_s: (S,) numbers, ascending, each once.
        """
        for each in self.chunks:
            rows_m = each.chunk.rows_of_subjects(subjects_s, each.size)
            rows_m = rows_m[each.alive_n[rows_m]]
            if len(rows_m):
                yield each, rows_m

    def sample(self, most: int) -> NDArray[np.int64]:
        """(S,) numbers of subjects, ascending, each once: of every so-many-th living template.

        The same ones wherever the same templates live, however they lie in memory.

        Args:
            most: S at most.
        """
        step = max(1, -(-self.templates // most))
        subjects, passed = [np.zeros(0, dtype=np.int64)], 0
        for each in self.chunks:
            rows_m = each.living_rows()[-passed % step :: step]
            subjects.append(each.chunk.subjects_n[rows_m])
            passed += each.living
        return np.unique(np.concatenate(subjects))

    def templates_of(self, subjects_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """(S,) how many living templates each of some subjects has; they ascend, each once."""
        counts_s = np.zeros(len(subjects_s), dtype=np.int64)
        for each, rows_m in self.rows_of_subjects(subjects_s):
            places_m = np.searchsorted(subjects_s, each.chunk.subjects_n[rows_m])
            counts_s += np.bincount(places_m, minlength=len(subjects_s))
        return counts_s
