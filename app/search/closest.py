"""The subjects closest to a probe, over all chunks of a view.

Shape letters: M rows or subjects found, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from app.search.view import View

_FIRST_LOOK = 4
"""Templates looked at first, per subject wanted: most subjects have fewer close templates."""
_LEAST_LOOK = 32
_LOOK_FURTHER = 8
"""How many times more are looked at when that was not enough."""


@dataclass(frozen=True, slots=True)
class Closest:
    """Each subject once, by its best template, best first.

    Attributes:
        subjects_m: (M,) numbers of subjects.
        templates_m: (M,) the template of each that scored best.
        scores_m: (M,) float32 cosine similarities.
    """

    subjects_m: NDArray[np.int64]
    templates_m: NDArray[np.int64]
    scores_m: NDArray[np.float32]


def closest_subjects(view: View, vectors_kd: NDArray[np.float32], top_k: int) -> Closest:
    """At least `top_k` subjects, or all; every subject that ties with the last is there.

    Args:
        view: to look in.
        vectors_kd: (K, D) float32, contiguous; a subject scores its best pair.
        top_k: how many are wanted, at least 1.
    """
    # One probe has nothing to share out; a team of idle threads, one per searching thread,
    # would spin for 18 ms of CPU beside a search of 0.6 ms (measured, 10,000 x 256).
    faiss.omp_set_num_threads(1)
    found = [_NOTHING] * len(view.chunks)
    open_chunks = list(range(len(view.chunks))) if len(vectors_kd) else []
    wanted = max(_LEAST_LOOK, top_k * _FIRST_LOOK)
    while True:
        down_to = {}
        for place in open_chunks:
            held = view.chunks[place]
            look = held.look(vectors_kd, wanted)
            down_to[place] = look.down_to
            found[place] = Closest(
                held.chunk.subjects_n[look.rows_m],
                held.chunk.templates_n[look.rows_m],
                look.scores_m,
            )
        best = _best_of_each(found)
        last_score = float(best.scores_m[top_k - 1]) if len(best.scores_m) >= top_k else -np.inf
        # Nobody unseen in a chunk can score above its `down_to`, nor tie with anybody above it.
        open_chunks = [
            place
            for place in open_chunks
            if down_to[place] > -np.inf and down_to[place] >= last_score
        ]
        if not open_chunks:
            keep = best.scores_m >= last_score
            return Closest(best.subjects_m[keep], best.templates_m[keep], best.scores_m[keep])
        wanted *= _LOOK_FURTHER


def _best_of_each(found: list[Closest]) -> Closest:
    if not found:
        return _NOTHING
    scores_m = np.concatenate([each.scores_m for each in found])
    subjects_m = np.concatenate([each.subjects_m for each in found])
    templates_m = np.concatenate([each.templates_m for each in found])
    by_score_m = np.argsort(-scores_m, kind="stable")
    _, firsts_m = np.unique(subjects_m[by_score_m], return_index=True)
    best_m = by_score_m[np.sort(firsts_m)]
    return Closest(subjects_m[best_m], templates_m[best_m], scores_m[best_m])


_NOTHING = Closest(
    np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
)
