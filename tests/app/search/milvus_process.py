"""A process that enrols people and looks for each at once; for tests of several at the same time.

python -m tests.app.search.milvus_process DATABASE_URL PORT PREFIX NAME PEOPLE
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from app.registry import Registry
from app.search import GallerySearch
from app.search.milvus import MilvusIndexes
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.milvus import MilvusServer


def main() -> None:
    """Enrols, and erases every third; ends with 1 and a word where somebody is not found."""
    url, port, prefix, name, people = sys.argv[1:]
    registry = Registry.open(url)
    server = MilvusServer(int(port), prefix).connect()
    search = GallerySearch(registry, indexes=MilvusIndexes(registry, server))
    for number in range(int(people)):
        subject, vector_d = f"{name}-{number}", unit_vector(hash_of(name) + number)
        enroll(registry, subject, [vector_d])
        if _best(search, vector_d) != subject:
            sys.exit(f"{subject} was enrolled and is not found")
        if number % 3 == 2:
            registry.subjects.delete(subject)
            if _best(search, vector_d) == subject:
                sys.exit(f"{subject} was erased and is found")
    search.close()
    registry.close()


def hash_of(name: str) -> int:
    """A seed that every process draws of the same name."""
    return 1000 * sum(name.encode())


def _best(search: GallerySearch, vector_d: NDArray[np.float32]) -> str | None:
    found = search.search("default", CHECKPOINT, vector_d[None], top_k=1)
    return found.candidates[0].subject if found.candidates else None


if __name__ == "__main__":
    main()
