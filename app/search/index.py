"""One index: the templates of one gallery by one checkpoint, searched by exact inner product.

Shape letters: N templates held, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from app.registry.templates import TemplateChanges
from app.search.turns import SharedLock
from model.calibration import Cohort

_FIRST_LOOK = 4
"""Templates looked at first, per subject wanted: most subjects have fewer close templates."""
_LOOK_FURTHER = 8
"""How many times more are looked at when that was not enough."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A subject's best template for a probe.

    Attributes:
        subject_id: number of the subject's row.
        template_id: the template that scored best.
        score: cosine similarity, -1 to 1.
        templates: how many templates the subject has in this index.
    """

    subject_id: int
    template_id: int
    score: float
    templates: int


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search of one index found.

    Attributes:
        hits: one per subject, best first. More than were asked for when the last ones tie.
        subjects: how many subjects the index holds.
        revision: of the gallery, as it was searched.
        cohort: everybody but the best hit; None where there is nobody else.
    """

    hits: tuple[Hit, ...]
    subjects: int
    revision: int
    cohort: Cohort | None


class TemplateIndex:
    """Vectors in memory, kept in step with the registry by revisions. Safe for threads to share.

    Attributes:
        revision: of the gallery, up to which changes have been applied.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._lock = SharedLock()
        self._flat: faiss.IndexFlatIP | None = None
        self._templates_n = np.zeros(0, dtype=np.int64)
        self._subjects_n = np.zeros(0, dtype=np.int64)
        self._size = 0
        self._position_of: dict[int, int] = {}
        self._templates_per_subject: dict[int, int] = {}
        self._sum_d = np.zeros(0, dtype=np.float64)  # of all vectors held

    def __len__(self) -> int:
        """How many templates are held."""
        return self._size

    def apply(self, changes: TemplateChanges) -> None:
        """Brings the index to a later revision.

        Args:
            changes: from the revision that this index holds.

        Raises:
            ValueError: they start elsewhere.
        """
        with self._lock.alone():
            if changes.since_revision != self.revision:
                msg = f"changes since {changes.since_revision}, index at {self.revision}"
                raise ValueError(msg)
            self._remove(changes.removed_n)
            self._add(changes)
            self.revision = changes.revision

    def search(self, vectors_kd: NDArray[np.float32], top_k: int) -> Hits:
        """Finds the subjects closest to a probe.

        Args:
            vectors_kd: (K, D) unit vectors of one probe; a subject scores its best pair.
            top_k: how many subjects are wanted.

        Returns:
            At least `top_k` hits, or all subjects; every subject that ties with the last is there.
        """
        with self._lock.shared():
            best = self._best_templates(np.ascontiguousarray(vectors_kd, dtype=np.float32), top_k)
            return Hits(
                hits=tuple(
                    Hit(
                        subject_id=subject_id,
                        template_id=int(self._templates_n[position]),
                        score=score,
                        templates=self._templates_per_subject[subject_id],
                    )
                    for subject_id, (score, position) in best.items()
                ),
                subjects=len(self._templates_per_subject),
                revision=self.revision,
                cohort=self._cohort(vectors_kd, next(iter(best), None)),
            )

    def cohort(self, vectors_kd: NDArray[np.float32], subject_id: int) -> Cohort | None:
        """How alike a probe is to everybody but one subject; None where there is nobody else."""
        with self._lock.shared():
            return self._cohort(vectors_kd, subject_id)

    def _cohort(self, vectors_kd: NDArray[np.float32], left_out: int | None) -> Cohort | None:
        others = len(self._templates_per_subject) - (left_out in self._templates_per_subject)
        if self._flat is None or others == 0 or len(vectors_kd) == 0:
            return None
        positions = np.flatnonzero(self._subjects_n[: self._size] == left_out)
        left_out_d = self._vectors_nd(self._flat)[positions].sum(axis=0, dtype=np.float64)
        mean_d = (self._sum_d - left_out_d) / (self._size - len(positions))
        return Cohort(float(vectors_kd.mean(axis=0) @ mean_d), others)

    def _vectors_nd(self, flat: faiss.IndexFlatIP) -> NDArray[np.float32]:
        """A view of what the index holds."""
        held = faiss.rev_swig_ptr(flat.get_xb(), self._size * flat.d)
        vectors_nd: NDArray[np.float32] = held.reshape(self._size, flat.d)
        return vectors_nd

    def _best_templates(
        self, vectors_kd: NDArray[np.float32], top_k: int
    ) -> dict[int, tuple[float, int]]:
        """(score, position) by subject, best first, down to the score of the top_k-th."""
        if self._flat is None or self._size == 0 or len(vectors_kd) == 0:
            return {}
        wanted = min(self._size, max(32, top_k * _FIRST_LOOK))
        while True:
            best, seen_down_to = self._look(self._flat, vectors_kd, wanted)
            ordered = sorted(best.items(), key=lambda item: -item[1][0])
            if wanted == self._size:
                break
            # Nobody unseen can score above `seen_down_to`, nor tie with anybody above it.
            if len(ordered) >= top_k and ordered[top_k - 1][1][0] > seen_down_to:
                break
            wanted = min(self._size, wanted * _LOOK_FURTHER)
        last_score = ordered[min(top_k, len(ordered)) - 1][1][0]
        return {subject: found for subject, found in ordered if found[0] >= last_score}

    def _look(
        self, flat: faiss.IndexFlatIP, vectors_kd: NDArray[np.float32], wanted: int
    ) -> tuple[dict[int, tuple[float, int]], float]:
        # One probe has nothing to share out; a team of idle threads, one per searching thread,
        # would spin for 18 ms of CPU beside a search of 0.6 ms (measured, 10,000 x 256).
        faiss.omp_set_num_threads(1)
        scores_kn, positions_kn = flat.search(vectors_kd, wanted)
        best: dict[int, tuple[float, int]] = {}
        for scores_n, positions_n in zip(scores_kn, positions_kn, strict=True):
            subjects_n = self._subjects_n[positions_n]
            # Scores fall along the row: a subject's first place is its best.
            _, firsts = np.unique(subjects_n, return_index=True)
            for first in firsts.tolist():
                subject, score = int(subjects_n[first]), float(scores_n[first])
                if subject not in best or score > best[subject][0]:
                    best[subject] = (score, int(positions_n[first]))
        return best, float(scores_kn[:, -1].max())

    def _add(self, changes: TemplateChanges) -> None:
        added = len(changes.added_n)
        if added == 0:
            return
        if self._flat is None:
            self._flat = faiss.IndexFlatIP(changes.vectors_nd.shape[1])
            self._sum_d = np.zeros(changes.vectors_nd.shape[1], dtype=np.float64)
        self._flat.add(np.ascontiguousarray(changes.vectors_nd))
        self._sum_d += changes.vectors_nd.sum(axis=0, dtype=np.float64)
        start, end = self._size, self._size + added
        self._templates_n = _with_room(self._templates_n, end)
        self._subjects_n = _with_room(self._subjects_n, end)
        self._templates_n[start:end] = changes.added_n
        self._subjects_n[start:end] = changes.subjects_n
        self._position_of.update(zip(changes.added_n.tolist(), range(start, end), strict=True))
        for subject in changes.subjects_n.tolist():
            self._templates_per_subject[subject] = self._templates_per_subject.get(subject, 0) + 1
        self._size = end

    def _remove(self, removed_n: NDArray[np.int64]) -> None:
        """Moves the last template into each gap: cost goes by what is removed, not by N."""
        gaps = [
            self._position_of.pop(template)
            for template in removed_n.tolist()
            if template in self._position_of
        ]
        if self._flat is None or not gaps:
            return
        vectors_nd = self._vectors_nd(self._flat)
        self._sum_d -= vectors_nd[gaps].sum(axis=0, dtype=np.float64)
        for gap in sorted(gaps, reverse=True):
            self._forget_subject_of(gap)
            last = self._size - 1
            if gap != last:
                vectors_nd[gap] = vectors_nd[last]
                self._templates_n[gap] = self._templates_n[last]
                self._subjects_n[gap] = self._subjects_n[last]
                self._position_of[int(self._templates_n[gap])] = gap
            # Erased vectors do not linger in memory behind the end.
            vectors_nd[last] = 0.0
            self._size = last
        self._flat.codes.resize(self._size * self._flat.code_size)
        self._flat.ntotal = self._size

    def _forget_subject_of(self, position: int) -> None:
        subject = int(self._subjects_n[position])
        left = self._templates_per_subject[subject] - 1
        if left:
            self._templates_per_subject[subject] = left
        else:
            del self._templates_per_subject[subject]


def _with_room(values_n: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The same values in an array of at least `size`, doubled so that adding stays cheap."""
    if size <= len(values_n):
        return values_n
    grown = np.zeros(max(size, 2 * len(values_n)), dtype=np.int64)
    grown[: len(values_n)] = values_n
    return grown
