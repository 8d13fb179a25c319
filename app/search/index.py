"""One index: the templates of one gallery by one checkpoint, searched by inner product.

A change makes a new view (app/search/view.py) beside the one that searches use, and publishes it
when all of it is there; nobody waits for anybody. Removed templates leave gaps, which are
overwritten at once and closed later, a chunk at a time (`tidy`).

Shape letters: M subjects found, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.registry.rotation import Rotation
from app.registry.templates import TemplateChanges
from app.search.closest import closest_subjects
from app.search.draft import Draft, OutOfStep
from app.search.finder import Codebook
from app.search.tidying import (
    codebook_of,
    finder_in,
    without_gaps,
    worth_finding_in,
    worth_rewriting,
)
from app.search.versions import Versions
from app.search.view import Mark, View
from model.calibration import Cohort, ScoreSpread

_SPREAD_SUBJECTS, _SPREAD_TEMPLATES = 256, 1024
"""From whom the spread of a cohort is estimated, to some 4 %; fewer who have more templates."""
_FEWEST_SPREAD_SUBJECTS = 64


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


@dataclass(frozen=True, slots=True)
class _MadeCodebook:
    """A codebook, and the rotation of the vectors it was made from: it fits no others."""

    rotation: Rotation
    codebook: Codebook


class TemplateIndex:
    """Vectors in memory, kept in step with the registry by revisions. Safe for threads to share.

    Args:
        approximate: score only rows that a finder names, where there are many.
        view: what it holds already; nothing by default.
    """

    def __init__(self, *, approximate: bool = False, view: View | None = None) -> None:
        self._versions = Versions(view or View.empty())
        self._writing = threading.Lock()
        self._tidying = threading.Lock()
        self._approximate = approximate
        self._codebook: _MadeCodebook | None = None

    def __len__(self) -> int:
        """How many templates are held."""
        return self._versions.newest.templates

    @property
    def revision(self) -> int:
        """Of the gallery, up to which changes have been applied."""
        return self._versions.newest.revision

    @property
    def mark(self) -> Mark:
        """How far it is, all at one moment."""
        return self._versions.newest.mark

    @property
    def untidy(self) -> bool:
        """Whether `tidy` has something to do."""
        view = self._versions.newest
        return worth_rewriting(view) is not None or (
            self._approximate and worth_finding_in(view) is not None
        )

    def apply(self, changes: TemplateChanges) -> None:
        """Brings the index to a later revision: no search sees a part of the changes.

        Searches go on. What was removed is overwritten when the last search that began before
        has ended; later ones do not look at it.

        Args:
            changes: from the revision that this index holds.

        Raises:
            OutOfStep: they start elsewhere, go back, or name templates out of order.
        """
        with self._writing:
            view = self._versions.newest
            if not changes.since_revision == view.revision <= changes.revision:
                raise OutOfStep(
                    f"changes from revision {changes.since_revision} to {changes.revision},"
                    f" index at {view.revision}"
                )
            draft = Draft(view, expected=changes.held)
            draft.remove(changes.removed_n)
            for block in changes.added:
                draft.add(block)
            self._versions.publish(
                draft.finish(changes.revision, changes.rotation), *draft.leftovers
            )

    def tidy(self) -> bool:
        """Does one piece of upkeep, tens of milliseconds long, if one is due. Searches go on.

        Returns:
            False when nothing was due.
        """
        with self._tidying:
            return self._close_gaps() or (self._approximate and self._make_finder())

    def search(self, vectors_kd: NDArray[np.float32], top_k: int) -> Hits:
        """Finds the subjects closest to a probe.

        Args:
            vectors_kd: (K, D) unit vectors of one probe; a subject scores its best pair.
            top_k: how many subjects are wanted.

        Returns:
            At least `top_k` hits, or all subjects; every subject that ties with the last is there.
        """
        with self._versions.reading() as view:
            vectors_kd = np.ascontiguousarray(view.rotation.turned(vectors_kd), dtype=np.float32)
            best = closest_subjects(view, vectors_kd, top_k)
            order = np.argsort(best.subjects_m)
            templates_m = np.empty(len(order), dtype=np.int64)
            templates_m[order] = view.templates_of(best.subjects_m[order])
            hits = tuple(
                Hit(*each)
                for each in zip(
                    best.subjects_m.tolist(),
                    best.templates_m.tolist(),
                    best.scores_m.tolist(),
                    templates_m.tolist(),
                    strict=True,
                )
            )
            cohort = _cohort(view, vectors_kd, hits[0].subject_id) if hits else None
        return Hits(hits, view.subjects, view.revision, cohort)

    def cohort(self, vectors_kd: NDArray[np.float32], subject_id: int) -> Cohort | None:
        """How alike a probe is to everybody but one subject; None where there is nobody else."""
        with self._versions.reading() as view:
            return _cohort(view, view.rotation.turned(vectors_kd), subject_id)

    @contextmanager
    def reading(self) -> Iterator[View]:
        """What the index holds now; nothing of it is overwritten until the end.

        Erased vectors wait for that too, so it should come soon.
        """
        with self._versions.reading() as view:
            yield view

    @contextmanager
    def pieces(self) -> Iterator[Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]]:
        """All templates, a chunk at a time; see `reading`."""
        with self._versions.reading() as view:
            yield (each.living_templates() for each in view.chunks)

    def _close_gaps(self) -> bool:
        with self._writing:
            view = self._versions.newest
            which = worth_rewriting(view)
            if which is None:
                return False
            leftovers = [each.chunk.wipe for each in view.chunks[which]]
            self._versions.publish(without_gaps(view, which), *leftovers)
        return True

    def _make_finder(self) -> bool:
        with self._versions.reading() as view:
            held = worth_finding_in(view)
            if held is None:
                return False
            if self._codebook is None or self._codebook.rotation != view.rotation:
                self._codebook = _MadeCodebook(view.rotation, codebook_of(view))
            # Whoever is erased meanwhile is overwritten after this reading, in the finder too.
            held.chunk.finder = finder_in(held, self._codebook.codebook)
        return True


def _cohort(view: View, vectors_kd: NDArray[np.float32], left_out: int) -> Cohort | None:
    """The mean of all templates but one subject's, and the spread of a sample of the others."""
    if len(vectors_kd) == 0:
        return None
    left_out_d = np.zeros_like(view.sum_d)
    number = 0
    for each, rows_m in view.rows_of_subjects(np.array([left_out], dtype=np.int64)):
        left_out_d += each.chunk.read(rows_m).sum(axis=0, dtype=np.float64)
        number += len(rows_m)
    others = view.subjects - (number > 0)
    if others == 0:
        return None
    mean_d = (view.sum_d - left_out_d) / (view.templates - number)
    mean = float(vectors_kd.mean(axis=0) @ mean_d)
    return Cohort(mean, others, _spread(view, vectors_kd, left_out, mean))


def _spread(
    view: View, vectors_kd: NDArray[np.float32], left_out: int, mean: float
) -> ScoreSpread | None:
    """Of a sample of the others; None where it holds nobody."""
    most = min(_SPREAD_SUBJECTS, _SPREAD_TEMPLATES * view.subjects // view.templates)
    subjects_s = view.sample(max(_FEWEST_SPREAD_SUBJECTS, most))
    subjects_s = subjects_s[subjects_s != left_out]
    if len(subjects_s) == 0:
        return None
    best_s = np.full(len(subjects_s), -np.inf)
    for each, rows_m in view.rows_of_subjects(subjects_s):
        scores_m = (each.chunk.read(rows_m) @ vectors_kd.T).max(axis=1)
        np.maximum.at(best_s, np.searchsorted(subjects_s, each.chunk.subjects_n[rows_m]), scores_m)
    return ScoreSpread(float(best_s.mean()) - mean, float(best_s.std()))
