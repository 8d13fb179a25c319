"""Close rows of a chunk without reading all of its vectors: FAISS's 4-bit product quantiser.

Two values of a vector become four bits, so a look reads an eighth of the bytes (fp16), with table
look-ups instead of multiplications. What it finds is only a list of rows to be scored exactly.

Shape letters: N rows, M some of them, K vectors of one probe, D embedding size.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

TRAINING_ROWS = 16_384
"""Vectors a codebook is made from: a thousand for each of its 16 entries per pair of values."""

_BITS = 4


class Codebook:
    """How vectors of one checkpoint are shortened.

    It holds averages of a thousand vectors each, and nobody's vector.

    Args:
        sample_nd: (N, D) float32 vectors, `TRAINING_ROWS` or so.
    """

    def __init__(self, sample_nd: NDArray[np.float32]) -> None:
        self._quantiser = _fast_scan(sample_nd.shape[1])
        self._quantiser.train(sample_nd)

    def finder(self, rows: int) -> Finder:
        """A finder without rows yet, which shall have so many."""
        index = _fast_scan(self._quantiser.d)
        index.pq = self._quantiser.pq
        index.is_trained = True
        return Finder(index, rows)


class Finder:
    """The shortened vectors of one chunk; made by `Codebook.finder`.

    Args:
        index: FAISS's, trained and empty.
        rows: how many will be added.
    """

    def __init__(self, index: Any, rows: int) -> None:
        self._index = index
        self._rows = rows
        self._packer = index.get_CodePacker()
        self._chance = np.random.default_rng()

    def add(self, vectors_nd: NDArray[np.float32]) -> None:
        """Takes the next rows; all must be there before the first search."""
        self._index.add(vectors_nd)

    def closest(self, vectors_kd: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
        """Which rows seem closest to each of K vectors.

        Returns:
            (K, wanted) rows, the best first.
        """
        _, rows_kn = self._index.search(vectors_kd, min(wanted, self._rows))
        found_kn: NDArray[np.int64] = rows_kn
        return found_kn

    def erase(self, rows_m: NDArray[np.int64]) -> None:
        """Overwrites rows: by chance, so that they are not all close to one and the same probe."""
        codes = faiss.rev_swig_ptr(self._index.codes.get(), self._index.codes.size())
        blocks_nb = codes.reshape(-1, self._packer.block_size)
        for row in rows_m.tolist():
            code = self._chance.integers(0, 256, self._packer.code_size, dtype=np.uint8)
            block, place = divmod(row, self._packer.nvec)
            self._packer.pack_1(code, place, blocks_nb[block : block + 1])


def _fast_scan(dimensions: int) -> Any:
    pieces = dimensions // 2 if dimensions % 2 == 0 else dimensions
    return faiss.IndexPQFastScan(dimensions, pieces, _BITS, faiss.METRIC_INNER_PRODUCT)
