"""An index beside the dictionary that it must answer like, and changes made without a database."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.registry.template_stream import TemplateBlock
from app.registry.templates import TemplateChanges
from app.search.index import TemplateIndex
from app.search.view import Layout, View

DIMENSIONS = 16
SMALL = Layout(chunk_rows=8, half_from=10**9)
"""Chunks so small that a test fills, empties and joins them."""


def unit_vectors(number: int, seed: int) -> NDArray[np.float32]:
    """(N, D) float32 of length 1."""
    vectors_nd = np.random.default_rng(seed).standard_normal((number, DIMENSIONS))
    vectors_nd /= np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    return vectors_nd.astype(np.float32)


def changes(
    since: int,
    *,
    removed: Sequence[int] = (),
    templates: Sequence[int] = (),
    subjects: Sequence[int] = (),
    vectors_nd: NDArray[np.float32] | None = None,
) -> TemplateChanges:
    """The changes of one revision, as SQL would tell them."""
    block = TemplateBlock(
        np.array(templates, dtype=np.int64),
        np.array(subjects, dtype=np.int64),
        np.zeros((0, 0), dtype=np.float32) if vectors_nd is None else vectors_nd,
    )
    added = iter([block] if templates else [])
    return TemplateChanges(since, since + 1, None, np.array(removed, dtype=np.int64), added)


class World:
    """An index, and what it should hold.

    Args:
        layout: of the index.
        approximate: as for the index.
    """

    def __init__(self, layout: Layout = SMALL, *, approximate: bool = False) -> None:
        self.index = TemplateIndex(approximate=approximate, view=View.empty(layout))
        self.held: dict[int, tuple[int, NDArray[np.float32]]] = {}
        self._last_template = 0

    def add(self, subjects: Sequence[int], *, seed: int, removed: Sequence[int] = ()) -> list[int]:
        """One revision: some templates go, and one comes for each subject; their ids."""
        templates = list(range(self._last_template + 1, self._last_template + 1 + len(subjects)))
        self._last_template += len(subjects)
        vectors_nd = unit_vectors(len(subjects), seed)
        self.index.apply(
            changes(
                self.index.revision,
                removed=removed,
                templates=templates,
                subjects=subjects,
                vectors_nd=vectors_nd,
            )
        )
        for template in removed:
            self.held.pop(template, None)
        self.held |= {
            template: (subject, vector_d)
            for template, subject, vector_d in zip(templates, subjects, vectors_nd, strict=True)
        }
        return templates

    def remove(self, templates: Sequence[int]) -> None:
        """One revision in which some templates go."""
        self.add([], seed=0, removed=templates)

    def expected(self, probe_d: NDArray[np.float32]) -> dict[int, tuple[float, int]]:
        """Best score and number of templates of every subject."""
        best: dict[int, tuple[float, int]] = {}
        for subject, vector_d in self.held.values():
            score, templates = best.get(subject, (-2.0, 0))
            best[subject] = (max(score, float(vector_d @ probe_d)), templates + 1)
        return best

    def expected_cohort(self, probe_d: NDArray[np.float32], left_out: int) -> tuple[float, float]:
        """Mean of the cosines with everybody else's templates, and standard deviation of their
        scores."""
        scores = [
            float(vector_d @ probe_d)
            for subject, vector_d in self.held.values()
            if subject != left_out
        ]
        mean = float(np.mean(scores))
        best = [
            score for subject, (score, _) in self.expected(probe_d).items() if subject != left_out
        ]
        return mean, float(np.std(best))

    def differences(self, probe_d: NDArray[np.float32], top_k: int, *, within: float) -> list[str]:
        """What a search answers otherwise than the dictionary."""
        found = self.index.search(probe_d[None], top_k)
        expected = self.expected(probe_d)
        scores = sorted((score for score, _ in expected.values()), reverse=True)
        wrong = []
        if found.subjects != len(expected):
            wrong.append(f"{found.subjects} subjects, not {len(expected)}")
        if len(found.hits) < min(top_k, len(expected)):
            wrong.append(f"{len(found.hits)} hits of {len(expected)}")
        if len({hit.subject_id for hit in found.hits}) < len(found.hits):
            wrong.append("a subject twice")
        for hit, nth_best in zip(found.hits, scores, strict=False):
            best, templates = expected.get(hit.subject_id, (-2.0, 0))
            subject, vector_d = self.held.get(hit.template_id, (0, -probe_d))
            own = float(vector_d @ probe_d)
            if subject != hit.subject_id or hit.templates != templates:
                wrong.append(f"{hit}, but the subject has {templates} templates")
            if max(abs(hit.score - each) for each in (own, best, nth_best)) > within:
                wrong.append(f"{hit}: its template {own}, its subject {best}, its rank {nth_best}")
        if len(expected) > 1:
            mean, spread = self.expected_cohort(probe_d, found.hits[0].subject_id)
            cohort = found.cohort
            if (
                cohort is None
                or abs(cohort.mean - mean) > within
                or cohort.scores is None
                or abs(cohort.scores.deviation - spread) > within
            ):
                wrong.append(f"cohort {cohort}, not {mean} and {spread}")
        return wrong
