"""The next view of an index in the making: nothing of it is seen before it is finished.

Shape letters: N templates, M rows, S subjects, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.registry.rotation import Rotation
from app.registry.template_stream import TemplateBlock
from app.search.chunk import Chunk, rewrite
from app.search.view import ChunkView, View


class OutOfStep(Exception):
    """Changes do not fit what an index holds: it is not an earlier state of what SQL holds."""


_SMALLEST_CHUNK = 256
_SUMMED_ROWS = 8192


class Draft:
    """Makes a view out of an older one, which stays as it is.

    Args:
        view: the older one.
        expected: templates of the finished view, if that is known; what is large in the end is
            stored in 16 bits from the first.

    Attributes:
        leftovers: what is to be overwritten once nobody reads the older view.
    """

    def __init__(self, view: View, *, expected: int | None = None) -> None:
        self._view = view
        self._layout = view.layout
        self._expected = expected or 0
        self._chunks = list(view.chunks)
        self._living = view.templates
        self._sum_d = view.sum_d.copy()
        self._removals = view.removals
        self._changed: list[NDArray[np.int64]] = []  # subjects
        self.leftovers: list[Callable[[], None]] = []

    def remove(self, removed_n: NDArray[np.int64]) -> None:
        """Takes templates out; before any are added.

        Args:
            removed_n: (N,) ids, in any order; those that are not held are passed over.
        """
        removed_n = np.unique(removed_n)
        for place, held in enumerate(self._chunks):
            if len(removed_n) == 0:
                return
            ids_n = held.chunk.templates_n
            first, past = np.searchsorted(removed_n, [ids_n[0], ids_n[held.size - 1] + 1])
            rows_m = held.chunk.rows_of_templates(removed_n[first:past], held.size)
            rows_m = rows_m[held.alive_n[rows_m]]
            if len(rows_m) == 0:
                continue
            alive_n = held.alive_n.copy()
            alive_n[rows_m] = False
            self._chunks[place] = replace(held, alive_n=alive_n, living=held.living - len(rows_m))
            self._sum_d -= held.chunk.read(rows_m).sum(axis=0, dtype=np.float64)
            self._living -= len(rows_m)
            self._removals += len(rows_m)
            self._changed.append(held.chunk.subjects_n[rows_m])
            self.leftovers.append(partial(held.chunk.erase, rows_m))

    def add(self, block: TemplateBlock) -> None:
        """Puts templates in, behind all that are there.

        Raises:
            OutOfStep: the ids do not ascend.
        """
        ids_n = block.templates_n
        last = self._chunks[-1] if self._chunks else None
        if last is not None and ids_n[0] <= last.chunk.templates_n[last.size - 1]:
            raise OutOfStep(f"template {ids_n[0]} comes after a later one")
        if (np.diff(ids_n) <= 0).any():
            raise OutOfStep("template ids do not ascend")
        if len(self._sum_d) == 0:
            self._sum_d = np.zeros(block.vectors_nd.shape[1], dtype=np.float64)
        self._living += len(ids_n)
        if self._is_large and not self._half:
            self._halve()
        start = 0
        while start < len(ids_n):
            start += self._fill_last(block, start)
        self._changed.append(block.subjects_n)

    def finish(self, revision: int, rotation: Rotation) -> View:
        """The view, as of a revision, whose vectors are under a rotation."""
        chunks = tuple(self._chunks)
        view = replace(
            self._view,
            revision=revision,
            rotation=rotation,
            chunks=chunks,
            removals=self._removals,
            sum_d=self._sum_d,
        )
        if not self._changed:
            return view
        changed_s = np.unique(np.concatenate(self._changed))
        if not self._view.chunks:  # then nobody was there before, and all who came still are
            return replace(view, subjects=len(changed_s))
        before = np.count_nonzero(self._view.templates_of(changed_s))
        after = np.count_nonzero(view.templates_of(changed_s))
        return replace(view, subjects=view.subjects + int(after) - int(before))

    @property
    def _is_large(self) -> bool:
        return max(self._living, self._expected) >= self._layout.half_from

    @property
    def _half(self) -> bool:
        return bool(self._chunks) and self._chunks[0].chunk.half

    def _halve(self) -> None:
        """Rounds all that is there, half a second's work once in the life of a gallery."""
        self._sum_d[:] = 0.0
        before, self._chunks = self._chunks, []
        for held in before:
            if held.living:
                halved = rewritten([held], room=held.chunk.capacity, half=True)
                self._sum_d += _sum(halved.chunk, 0, halved.size)
                self._chunks.append(halved)
            self._retire(held.chunk)

    def _retire(self, chunk: Chunk) -> None:
        """Has a chunk overwritten that was copied: soon, or now if no search ever saw it."""
        if any(chunk is each.chunk for each in self._view.chunks):
            self.leftovers.append(chunk.wipe)
        else:
            chunk.wipe()

    def _fill_last(self, block: TemplateBlock, start: int) -> int:
        """Writes as much as goes into the last chunk; how many templates that were."""
        left = len(block.templates_n) - start
        held = self._with_room(left)
        number = min(left, held.chunk.capacity - held.size)
        piece, end = slice(start, start + number), held.size + number
        held.chunk.write(
            held.size, block.templates_n[piece], block.subjects_n[piece], block.vectors_nd[piece]
        )
        # Behind the rows of older views, so none of them sees it change.
        held.alive_n[held.size : end] = True
        self._sum_d += _sum(held.chunk, held.size, end)
        self._chunks[-1] = ChunkView.of(held.chunk, end, held.alive_n, held.living + number)
        return number

    def _with_room(self, wanted: int) -> ChunkView:
        """The last chunk, with room for at least one row: made larger, or a new one."""
        most = self._layout.chunk_rows
        if self._chunks:
            held = self._chunks[-1]
            # A finder knows the rows that were there when it was made, so nothing may follow.
            if held.chunk.finder is None and held.size < held.chunk.capacity:
                return held
            if held.chunk.capacity < self._layout.chunk_rows:
                room = min(
                    self._layout.chunk_rows, max(2 * held.chunk.capacity, held.living + wanted)
                )
                self._chunks[-1] = rewritten([held], room=room, half=held.chunk.half)
                self._retire(held.chunk)
                return self._chunks[-1]
            room = most
        else:
            room = min(most, max(_SMALLEST_CHUNK, wanted))
        half = self._half or self._is_large
        chunk = Chunk(room, len(self._sum_d), half=half)
        self._chunks.append(ChunkView.of(chunk, 0, np.zeros(room, dtype=np.bool_), 0))
        return self._chunks[-1]


def rewritten(chunks: list[ChunkView], *, room: int, half: bool) -> ChunkView:
    """A view of a new chunk that holds the living rows of others, in their order."""
    made = rewrite([(each.chunk, each.living_rows()) for each in chunks], room=room, half=half)
    living = sum(each.living for each in chunks)
    alive_n = np.zeros(room, dtype=np.bool_)
    alive_n[:living] = True
    return ChunkView.of(made, living, alive_n, living)


def _sum(chunk: Chunk, start: int, end: int) -> NDArray[np.float64]:
    """(D,) of what is stored, rounded or not: what is added can be subtracted again."""
    total_d = np.zeros(chunk.vectors_nd.shape[1], dtype=np.float64)
    for first in range(start, end, _SUMMED_ROWS):
        stored_nd = chunk.read(slice(first, min(end, first + _SUMMED_ROWS)))
        total_d += stored_nd.sum(axis=0, dtype=np.float64)
    return total_d
