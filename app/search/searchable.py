"""What a search needs of an index, wherever its vectors are: in this process's memory (FAISS,
`app.search.indexes`) or in a Milvus (`app.search.milvus`).

Shape letters: N templates, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.outages import Outage
from app.search.index import Hits
from model.calibration import Cohort

Pieces: TypeAlias = Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]
"""(N,) numbers of subjects and (N, D) float32 unit vectors, a piece at a time."""


class MovedOn(Exception):
    """The gallery changed under a search that can no longer be finished: search again."""


class SearchableIndex(Protocol):
    """The templates of one gallery by one checkpoint, at one revision."""

    def search(self, vectors_kd: NDArray[np.float32], top_k: int) -> Hits:
        """Finds the subjects closest to a probe.

        Args:
            vectors_kd: (K, D) unit vectors of one probe; a subject scores its best pair.
            top_k: how many subjects are wanted.

        Returns:
            At least `top_k` hits, or all subjects; every subject that ties with the last is there.

        Raises:
            MovedOn: ask for the index again.
        """

    def cohort(self, vectors_kd: NDArray[np.float32], subject_id: int) -> Cohort | None:
        """How alike a probe is to everybody but one subject; None where there is nobody else."""

    def pieces(self) -> AbstractContextManager[Pieces]:
        """All templates; copies."""


class GalleryIndexes(Protocol):
    """The indexes of all galleries. Safe for threads to share."""

    @property
    def knows_spread(self) -> bool:
        """Whether cohorts come with the spread of their scores."""

    def up_to_date(self, gallery_name: str, checkpoint_id: str) -> SearchableIndex:
        """An index that holds all that SQL holds at this moment.

        Raises:
            UnknownGallery: there is none.
        """

    def refresh(self) -> None:
        """Brings every index up to date and drops those of deleted galleries."""

    def hold(self, checkpoint_ids: Collection[str]) -> None:
        """Holds the indexes of these checkpoints, each of every gallery that is held by any."""

    def sizes(self) -> dict[tuple[int, str], int]:
        """Templates held, by gallery and checkpoint."""

    @property
    def lag(self) -> int:
        """Changes that the index furthest behind had to catch up with, at the last `refresh`."""

    @property
    def outage(self) -> Outage | None:
        """Why searches cannot be answered at the moment, as it was at the last `refresh`."""

    def close(self) -> None:
        """No search may follow."""
