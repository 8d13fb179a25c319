"""Searching a gallery: SQL is the truth, the index a cache that is never behind.

Each search first asks SQL for the gallery's revision and applies what the index lacks, so an
enrolment that was acknowledged anywhere is found, and what was erased anywhere is not.

Shape letters: N templates, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.outages import Outage
from app.registry import Registry
from app.search.index import Hits
from app.search.indexes import Indexes
from app.search.searchable import GalleryIndexes, MovedOn, Pieces
from app.search.snapshots import Snapshots
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
    """Searches of all galleries in one process. Safe for threads to share.

    Args:
        registry: the truth, migrated.
        snapshots: keeps indexes between two runs; None reads them from SQL at each start.
        approximate: have large indexes score only templates that seem close.
        indexes: where vectors are, instead of this process's memory.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        snapshots: Snapshots | None = None,
        approximate: bool = False,
        indexes: GalleryIndexes | None = None,
    ) -> None:
        self._templates = registry.templates
        self._indexes: GalleryIndexes = indexes or Indexes(
            registry, snapshots=snapshots, approximate=approximate
        )

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
            Outage: the index is somewhere that does not answer.
        """
        while True:
            index = self._indexes.up_to_date(gallery_name, checkpoint_id)
            try:
                found = index.search(vectors_kd, top_k)
            except MovedOn:
                continue
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
        turned_kd = enrolled.rotation.turned(vectors_kd)
        scores_n = (enrolled.vectors_nd @ turned_kd.T).max(axis=1)
        best = int(scores_n.argmax())
        return Comparison(
            subject=enrolled.subject,
            name=enrolled.name,
            score=float(scores_n[best]),
            walk_id=enrolled.walk_ids[best],
            templates=len(enrolled.walk_ids),
            cohort=self._indexes.up_to_date(gallery_name, checkpoint_id).cohort(
                vectors_kd, enrolled.subject_id
            ),
        )

    @contextmanager
    def templates(self, gallery_name: str, checkpoint_id: str) -> Iterator[Pieces]:
        """All templates of a gallery as they are now, a piece at a time, without asking SQL.

        Yields:
            Pairs of (N,) numbers of subjects and (N, D) float32 unit vectors, N at most 65,536;
            copies. Memory of whoever is erased meanwhile is overwritten when the context ends.

        Raises:
            UnknownGallery: there is none.
        """
        with self._indexes.up_to_date(gallery_name, checkpoint_id).pieces() as pieces:
            yield pieces

    def refresh(self) -> None:
        """Brings every held index up to date and drops those of deleted galleries.

        To be called now and then: what was erased elsewhere leaves this process's memory, and the
        snapshots, even when nobody searches.
        """
        self._indexes.refresh()

    def hold(self, checkpoint_ids: Collection[str]) -> None:
        """Holds the indexes of these checkpoints, each of every gallery that is held by any.

        The index of a checkpoint that is about to serve is thereby complete before it does.

        Args:
            checkpoint_ids: those that serve or are being made ready.
        """
        self._indexes.hold(checkpoint_ids)

    def held(self) -> dict[tuple[int, str], int]:
        """Templates in memory, by gallery id and checkpoint id."""
        return self._indexes.sizes()

    @property
    def knows_spread(self) -> bool:
        """Whether cohorts come with the spread of their scores, see `Cohort`."""
        return self._indexes.knows_spread

    @property
    def lag(self) -> int:
        """Changes that the index furthest behind had to catch up with, at the last `refresh`."""
        return self._indexes.lag

    @property
    def outage(self) -> Outage | None:
        """Why searches cannot be answered at the moment, as it was at the last `refresh`."""
        return self._indexes.outage

    def close(self) -> None:
        """Saves what is worth it; no search may follow."""
        self._indexes.close()

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
