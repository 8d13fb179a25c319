"""What can be better about a view, one chunk at a time: gaps closed, small chunks joined.

Shape letters: N rows, D embedding size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.search.draft import rewritten
from app.search.finder import TRAINING_ROWS, Codebook, Finder
from app.search.view import ChunkView, View

_MOST_GAPS = 0.25
"""Share of a chunk's rows that may be gaps: each costs a search as much as a template."""
_JOINED = 0.5
"""Two neighbours become one when they fill at most this share of it."""
_FEWEST_FOUND = 8192
"""Rows of a chunk below which a finder saves nothing."""
_READ_ROWS = 8192


def worth_rewriting(view: View) -> slice | None:
    """The first chunks that should be one without gaps; None where all is well."""
    for place, held in enumerate(view.chunks):
        if held.size - held.living > _MOST_GAPS * held.size:
            return slice(place, place + 1)
        following = view.chunks[place + 1 : place + 2]
        if following and held.living + following[0].living <= _JOINED * view.layout.chunk_rows:
            return slice(place, place + 2)
    return None


def without_gaps(view: View, which: slice) -> View:
    """The same templates, with some chunks written anew as one."""
    chunks = list(view.chunks)
    old = chunks[which]
    living = sum(each.living for each in old)
    if living == 0:
        chunks[which] = []
    else:
        # The last chunk goes on growing; the others are full as they are.
        is_last = which.stop == len(chunks)
        room = min(view.layout.chunk_rows, 2 * living) if is_last else living
        chunks[which] = [rewritten(old, room=room, half=old[-1].chunk.half)]
    return replace(view, chunks=tuple(chunks))


def worth_finding_in(view: View) -> ChunkView | None:
    """A chunk that will not grow any more and has no finder yet."""
    if view.templates < 2 * TRAINING_ROWS:
        return None
    for held in view.chunks[:-1]:
        if held.chunk.finder is None and held.size >= _FEWEST_FOUND:
            return held
    return None


def codebook_of(view: View) -> Codebook:
    """A codebook for the templates of a view, from an even sample of them."""
    step = max(1, view.templates // TRAINING_ROWS)
    return Codebook(
        np.concatenate([each.chunk.read(each.living_rows()[::step]) for each in view.chunks])
    )


def finder_in(held: ChunkView, codebook: Codebook) -> Finder:
    """A finder of a chunk's rows; of gaps it knows nothing but that they are there."""
    finder = codebook.finder(held.size)
    for first in range(0, held.size, _READ_ROWS):
        end = min(held.size, first + _READ_ROWS)
        vectors_nd: NDArray[np.float32] = held.chunk.read(slice(first, end))
        vectors_nd[~held.alive_n[first:end]] = 0.0
        finder.add(vectors_nd)
    return finder
