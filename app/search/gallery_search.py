"""Searching a gallery: SQL is the truth, the index in memory a cache that is never behind.

Each search first asks SQL for the gallery's revision and applies what the index lacks, so an
enrolment that was acknowledged anywhere is found, and what was erased anywhere is not.

Shape letters: K vectors of one probe, D embedding size.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from app.registry import Registry
from app.search.index import Hits, TemplateIndex
from model.calibration import Cohort


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that a probe may be.

    Attributes:
        subject: the caller's id.
        name: of the person, if known.
        score: cosine similarity of the closest pair, -1 to 1.
        walk_id: the enrolled walk that scored best.
        templates: how many templates the subject has by this checkpoint.
    """

    subject: str
    name: str | None
    score: float
    walk_id: str
    templates: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        candidates: one per subject, best first; equal scores by subject id.
        gallery_size: subjects with at least one template by this checkpoint.
        revision: of the gallery, as it was searched.
        cohort: everybody but the best candidate; None where there is nobody else.
    """

    candidates: tuple[Candidate, ...]
    gallery_size: int
    revision: int
    cohort: Cohort | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A probe against one claimed subject.

    Attributes:
        subject: the caller's id.
        name: of the person, if known.
        score: cosine similarity of the closest pair; None when the subject has no template.
        walk_id: the enrolled walk that scored best.
        templates: how many templates the subject has by this checkpoint.
        cohort: everybody else in the gallery; None where there is nobody.
    """

    subject: str
    name: str | None
    score: float | None
    walk_id: str | None
    templates: int
    cohort: Cohort | None = None


class GallerySearch:
    """All indexes of one process. Safe for threads to share.

    Args:
        registry: the truth.
    """

    def __init__(self, registry: Registry) -> None:
        self._templates = registry.templates
        self._indexes: dict[tuple[int, str], TemplateIndex] = {}
        self._loading: dict[tuple[int, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def search(
        self,
        gallery_name: str,
        checkpoint_id: str,
        vectors_kd: NDArray[np.float32],
        *,
        top_k: int,
    ) -> SearchResult:
        """Finds who a probe may be.

        Args:
            gallery_name: where to look.
            checkpoint_id: the one that made the vectors.
            vectors_kd: (K, D) float32 unit vectors of one probe.
            top_k: most candidates wanted, at least 1.

        Raises:
            UnknownGallery: there is none.
        """
        while True:
            index = self._up_to_date(gallery_name, checkpoint_id)
            found = index.search(vectors_kd, top_k)
            candidates = self._name_candidates(found)
            if candidates is not None:
                return SearchResult(
                    candidates[:top_k], found.subjects, found.revision, found.cohort
                )
            # Somebody was erased between the search and the naming: search without them.

    def compare(
        self,
        gallery_name: str,
        checkpoint_id: str,
        vectors_kd: NDArray[np.float32],
        subject: str,
    ) -> Comparison:
        """Scores a probe against one subject, straight from SQL; the cohort is the index's.

        Args:
            gallery_name: where the subject is enrolled.
            checkpoint_id: the one that made the vectors.
            vectors_kd: (K, D) float32 unit vectors of one probe.
            subject: the caller's id.

        Raises:
            UnknownGallery: there is none.
            UnknownSubject: not enrolled there.
        """
        enrolled = self._templates.of_subject(subject, gallery_name, checkpoint_id)
        if not enrolled.walk_ids:
            return Comparison(enrolled.subject, enrolled.name, None, None, 0)
        scores_n = (enrolled.vectors_nd @ vectors_kd.T).max(axis=1)
        best = int(scores_n.argmax())
        return Comparison(
            subject=enrolled.subject,
            name=enrolled.name,
            score=float(scores_n[best]),
            walk_id=enrolled.walk_ids[best],
            templates=len(enrolled.walk_ids),
            cohort=self._up_to_date(gallery_name, checkpoint_id).cohort(
                vectors_kd, enrolled.subject_id
            ),
        )

    def refresh(self) -> None:
        """Brings every held index up to date and drops those of deleted galleries.

        To be called now and then: what was erased elsewhere leaves this process's memory even
        when nobody searches.
        """
        with self._lock:
            held = [(key, index.revision) for key, index in self._indexes.items()]
        if not held:
            return
        now = self._templates.revisions()
        for key, revision in held:
            if now.get(key[0]) != revision:
                self._sync(key)

    def hold(self, checkpoint_ids: Collection[str]) -> None:
        """Holds the indexes of these checkpoints, each of every gallery that is held by any.

        The index of a checkpoint that is about to serve is thereby complete before it does.

        Args:
            checkpoint_ids: those that serve or are being made ready.
        """
        with self._lock:
            gallery_ids = {gallery_id for gallery_id, _ in self._indexes}
            for key in [key for key in self._indexes if key[1] not in checkpoint_ids]:
                del self._indexes[key]
                self._loading.pop(key, None)
            missing = set(product(gallery_ids, checkpoint_ids)) - self._indexes.keys()
        for key in sorted(missing):
            self._sync(key)

    def held(self) -> dict[tuple[int, str], int]:
        """Templates in memory, by gallery id and checkpoint id."""
        with self._lock:
            return {key: len(index) for key, index in self._indexes.items()}

    def _up_to_date(self, gallery_name: str, checkpoint_id: str) -> TemplateIndex:
        while True:
            now = self._templates.revision(gallery_name)
            key = (now.gallery_id, checkpoint_id)
            with self._lock:
                index = self._indexes.get(key)
            if index is None or index.revision < now.revision:
                index = self._sync(key)
            if index is not None:
                return index
            # The gallery was deleted in between; asking again says so.

    def _sync(self, key: tuple[int, str]) -> TemplateIndex | None:
        """Applies what an index lacks, one thread at a time; None when its gallery is gone."""
        gallery_id, checkpoint_id = key
        with self._lock:
            index = self._indexes.setdefault(key, TemplateIndex())
            loading = self._loading.setdefault(key, threading.Lock())
        with (
            loading,
            self._templates.changes(gallery_id, checkpoint_id, index.revision) as changes,
        ):
            if changes is None:
                with self._lock:
                    self._indexes.pop(key, None)
                    self._loading.pop(key, None)
                return None
            index.apply(changes)
        return index

    def _name_candidates(self, found: Hits) -> tuple[Candidate, ...] | None:
        """Best first, equal scores by subject id; None when one of them no longer exists."""
        owners = self._templates.owners([hit.template_id for hit in found.hits])
        if len(owners) < len(found.hits):
            return None
        candidates = []
        for hit in found.hits:
            owner = owners[hit.template_id]
            candidates.append(
                Candidate(owner.subject, owner.name, hit.score, owner.walk_id, hit.templates)
            )
        return tuple(sorted(candidates, key=lambda each: (-each.score, each.subject)))
