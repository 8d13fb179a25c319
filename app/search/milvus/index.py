"""One gallery by one checkpoint, in Milvus: it names who may be close, and SQL's vectors decide.

Whatever Milvus answers, a score is computed from vectors that SQL holds at that moment, and whoever
SQL does not hold is nobody's candidate. So a collection that is wrong can miss somebody; it cannot
bring somebody back, nor change a score.

Shape letters: N templates, M found, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from app.registry import Registry
from app.registry.index_feeds import Feed
from app.registry.rotation import Rotation
from app.registry.standing_templates import StandingTemplates
from app.search.index import Hit, Hits
from app.search.milvus.collections import MOST_FOUND, Collections, Found
from app.search.milvus.connection import CollectionGone
from app.search.searchable import MovedOn, Pieces
from model.calibration import Cohort

_FIRST_LOOK = 4
"""Templates looked at first, per subject wanted: most subjects have fewer close templates."""
_LEAST_LOOK = 32
_LOOK_FURTHER = 8
"""How many times more are looked at when that was not enough."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Near:
    """Subjects that may be among the closest, with the entity that named each.

    Attributes:
        subjects_m: (M,) numbers of subjects.
        templates_m: (M,) the entity of each that scored best.
    """

    subjects_m: NDArray[np.int64]
    templates_m: NDArray[np.int64]


class MilvusIndex:
    """A collection as it was at one revision.

    Args:
        registry: the truth.
        collections: where the collection is.
        feed: how far it is.
        rotation: what the gallery's templates are under at that revision.
        veil: what vectors are turned by, besides, before they leave for Milvus.
        slack: by how much scores of Milvus may be wrong.
        on_loss: called where the collection is not there any more; sees to it that it is.
    """

    def __init__(
        self,
        registry: Registry,
        collections: Collections,
        feed: Feed,
        rotation: Rotation,
        veil: Rotation,
        slack: float,
        on_loss: Callable[[Feed], None],
    ) -> None:
        self._templates = registry.templates
        self._collections = collections
        self._feed = feed
        self._rotation = rotation
        self._veil = veil
        self._slack = slack
        self._on_loss = on_loss

    def search(self, vectors_kd: NDArray[np.float32], top_k: int) -> Hits:
        """Finds the subjects closest to a probe; see `SearchableIndex.search`."""
        feed = self._feed
        if feed.collection is None or len(vectors_kd) == 0:
            return Hits((), feed.subjects, feed.revision, None)
        turned_kd = self._veil.turned(self._rotation.turned(vectors_kd)).astype(np.float32)
        orphans: list[int] = []
        while True:
            try:
                near = self._near(feed.collection, turned_kd, top_k, orphans)
            except CollectionGone:
                self._on_loss(feed)
                raise MovedOn from None
            standing = self._templates.standing(*feed.key, near.subjects_m.tolist())
            if standing is None:
                raise MovedOn  # the gallery is gone; whoever asks again is told so
            gone = ~np.isin(near.templates_m, standing.templates_n)
            if not gone.any() and standing.rotation == self._rotation:
                break
            if standing.revision != feed.revision:
                raise MovedOn
            # SQL has been the same since: a process that was thought dead wrote this late.
            _log.warning("Milvus held templates that SQL does not", templates=int(gone.sum()))
            self._collections.delete(feed.collection, near.templates_m[gone])
            orphans += near.templates_m[gone].tolist()
        hits = _hits(standing, vectors_kd, top_k)
        cohort = self._cohort(standing, vectors_kd, hits[0].subject_id) if hits else None
        return Hits(hits, feed.subjects, feed.revision, cohort)

    def cohort(self, vectors_kd: NDArray[np.float32], subject_id: int) -> Cohort | None:
        """How alike a probe is to everybody but one subject; None where there is nobody else."""
        if len(vectors_kd) == 0:
            return None
        standing = self._templates.standing(*self._feed.key, [subject_id])
        return None if standing is None else self._cohort(standing, vectors_kd, subject_id)

    @contextmanager
    def pieces(self) -> Generator[Pieces]:
        """All templates, out of SQL; none where the gallery is gone."""
        with self._templates.changes(*self._feed.key, 0) as changes:
            blocks = iter(()) if changes is None else changes.added
            yield ((block.subjects_n, block.vectors_nd) for block in blocks)

    def _near(
        self, collection: str, turned_kd: NDArray[np.float32], top_k: int, orphans: list[int]
    ) -> _Near:
        """Everybody who may be one of the `top_k` closest, or tie with the last of them."""
        settled: list[Found] = []
        passed_over: list[int] = []
        wanted = max(_LEAST_LOOK, top_k * _FIRST_LOOK)
        while True:
            found = self._collections.find(
                collection,
                turned_kd,
                min(wanted, MOST_FOUND),
                without_templates=orphans,
                without_subjects=passed_over,
            )
            subjects_m, templates_m, scores_m = _best_of_each([*settled, found])
            last = float(scores_m[top_k - 1]) if len(scores_m) >= top_k else float("-inf")
            # Nobody unseen can score above `down_to`, nor tie with anybody above it.
            if found.down_to == float("-inf") or found.down_to < last - self._slack:
                keep = scores_m >= last - self._slack
                return _Near(subjects_m[keep], templates_m[keep])
            if wanted >= MOST_FOUND:
                # Milvus gives no more at once: look behind those whose best is known by now.
                settled.append(found)
                passed_over = subjects_m[scores_m >= found.down_to].tolist()
            wanted *= _LOOK_FURTHER

    def _cohort(
        self, standing: StandingTemplates, vectors_kd: NDArray[np.float32], left_out: int
    ) -> Cohort | None:
        theirs_n = standing.subjects_n == left_out
        number = int(theirs_n.sum())
        others = self._feed.subjects - (number > 0)
        rest = self._feed.templates - number
        if others <= 0 or rest <= 0:
            return None
        probe_d = vectors_kd.mean(axis=0, dtype=np.float64).astype(np.float32)
        turned_d = self._veil.turned(self._rotation.turned(probe_d))
        total = float(turned_d.astype(np.float64) @ self._feed.sums_d)
        if number:
            theirs = standing.vectors_nd[theirs_n].sum(axis=0, dtype=np.float64)
            total -= float(standing.rotation.turned(probe_d).astype(np.float64) @ theirs)
        return Cohort(total / rest, others)


def _best_of_each(
    found: list[Found],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Each subject once, by its best entity, best first: subjects, entities, scores."""
    scores_m = np.concatenate([each.scores_m for each in found])
    subjects_m = np.concatenate([each.subjects_m for each in found])
    templates_m = np.concatenate([each.templates_m for each in found])
    by_score_m = np.argsort(-scores_m, kind="stable")
    _, firsts_m = np.unique(subjects_m[by_score_m], return_index=True)
    best_m = by_score_m[np.sort(firsts_m)]
    return subjects_m[best_m], templates_m[best_m], scores_m[best_m]


def _hits(
    standing: StandingTemplates, vectors_kd: NDArray[np.float32], top_k: int
) -> tuple[Hit, ...]:
    """The `top_k` closest, and who ties with the last, by SQL's vectors; best first."""
    if len(standing.templates_n) == 0:
        return ()
    turned_kd = standing.rotation.turned(vectors_kd).astype(np.float64)
    # Rounded once, from 64 bits: equal vectors have equal scores, wherever they stand.
    scores_n = (standing.vectors_nd.astype(np.float64) @ turned_kd.T).max(axis=1)
    scores_n = scores_n.astype(np.float32)
    by_score_n = np.argsort(-scores_n, kind="stable")
    subjects_s, firsts_s, templates_s = np.unique(
        standing.subjects_n[by_score_n], return_index=True, return_counts=True
    )
    order_s = np.argsort(firsts_s)
    best_s = by_score_n[firsts_s[order_s]]
    last = scores_n[best_s[min(top_k, len(best_s)) - 1]]
    return tuple(
        Hit(subject, int(standing.templates_n[best]), float(scores_n[best]), templates)
        for subject, best, templates in zip(
            subjects_s[order_s].tolist(),
            best_s.tolist(),
            templates_s[order_s].tolist(),
            strict=True,
        )
        if scores_n[best] >= last
    )
