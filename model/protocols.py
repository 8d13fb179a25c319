"""Protocols: which walks are probes and which gallery they meet. Stated in words in
docs/protocols.md.

A protocol is a list of cells. Its figure is the mean over the cells where each cell has its own
(`model.ranking`), or is counted over the cells together where one threshold serves all
(`model.identification`).

Shape letters: N walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.datasets.casia_b_splits import PAPER_VIEWS_DEGREES

Mask: TypeAlias = NDArray[np.bool_]

CASIA_B_CONDITIONS = ("nm", "bg", "cl")  # as they come, with a bag, in a coat
ENROLLED_WALKS = 4  # nm-01 to nm-04


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a protocol: which walks are probes and which are the gallery.

    Attributes:
        probe_n: True for probes, (N,).
        gallery_n: True for gallery walks, (N,); a walk may be both and is not compared with itself.
    """

    probe_n: Mask
    gallery_n: Mask


def enrolled_walks(condition_n: ArrayLike, walk_n: ArrayLike) -> Mask:
    """(N,) nm-01 to nm-04: CASIA-B's gallery, and what the paper trains on."""
    enrolled_n: Mask = (np.asarray(condition_n) == "nm") & (np.asarray(walk_n) <= ENROLLED_WALKS)
    return enrolled_n


def probe_walks(condition_n: ArrayLike, walk_n: ArrayLike, condition: str) -> Mask:
    """(N,) CASIA-B's probes of a condition: nm-05 and nm-06, or all walks of bg, or all of cl."""
    probes_n: Mask = (np.asarray(condition_n) == condition) & ~enrolled_walks(condition_n, walk_n)
    return probes_n


def casia_b_cells(
    condition_n: ArrayLike, walk_n: ArrayLike, view_n: ArrayLike, probe_condition: str
) -> tuple[list[Cell], list[tuple[float, float]]]:
    """The cells of CASIA-B's cross-view protocol ("74/50") for one probe condition.

    The gallery is nm-01 … nm-04 of ONE view at a time; the probes are nm-05 and nm-06, or all walks
    with a bag (bg), or all in a coat (cl), of one view. Identical views are left out. With equally
    many cells per probe view, the mean of the cells is the mean over probe views of the means over
    gallery views. (Pooling the gallery views is a different and easier measure.)

    Args:
        condition_n: (N,) "nm", "bg" or "cl".
        walk_n: (N,) number of the walk within its condition, from 1.
        view_n: (N,) degrees.
        probe_condition: "nm", "bg" or "cl".

    Returns:
        The cells, and for each its (probe view, gallery view).
    """
    enrolled_n = enrolled_walks(condition_n, walk_n)
    probed_n = probe_walks(condition_n, walk_n, probe_condition)
    view = np.asarray(view_n)
    views = np.unique(view)
    pairs = [(float(probe), float(other)) for probe in views for other in views if probe != other]
    cells = [
        Cell(probed_n & (view == probe), enrolled_n & (view == other)) for probe, other in pairs
    ]
    return cells, pairs


def same_view_cells(probe_n: Mask, gallery_n: Mask, view_n: ArrayLike) -> list[Cell]:
    """One cell per view: its probes against the gallery walks of the same view."""
    view = np.asarray(view_n)
    return [Cell(probe_n & (view == one), gallery_n & (view == one)) for one in np.unique(view)]


def any_view_cells(probe_n: Mask, gallery_n: Mask, view_n: ArrayLike) -> list[Cell]:
    """One cell per view of the GALLERY: everybody enrolled in one view, probes of all views."""
    view = np.asarray(view_n)
    return [Cell(probe_n, gallery_n & (view == one)) for one in np.unique(view)]


def paper_cells(
    condition_n: ArrayLike, walk_n: ArrayLike, view_n: ArrayLike, probe_condition: str
) -> tuple[list[Cell], list[float]]:
    """The paper's closed set: everybody's nm-01 … nm-04 train the network AND are the gallery.

    Seven views, 36° to 144°. The probes of a cell are of one view: nm-05 and nm-06 (the paper's
    table 2), or bg or cl (its table 3, the mean over the seven views). They meet the training walks
    of ALL seven views, as the classifier's output does, which is not told the view either.

    Args:
        condition_n: (N,) "nm", "bg" or "cl".
        walk_n: (N,) number of the walk within its condition, from 1.
        view_n: (N,) degrees.
        probe_condition: "nm", "bg" or "cl".

    Returns:
        The cells, and the probe view of each. The union of a cell's gallery is the training set.
    """
    view = np.asarray(view_n)
    trained_n = enrolled_walks(condition_n, walk_n) & np.isin(view, PAPER_VIEWS_DEGREES)
    probed_n = probe_walks(condition_n, walk_n, probe_condition)
    views = [float(one) for one in PAPER_VIEWS_DEGREES if np.any(view == one)]
    return [Cell(probed_n & (view == one), trained_n) for one in views], views


def leave_one_out_cells(group_n: ArrayLike) -> list[Cell]:
    """One cell per group (a view): each walk is a probe, the group's others are the gallery."""
    group = np.asarray(group_n)
    return [Cell(group == one, group == one) for one in np.unique(group)]


def cross_view_cells(view_n: ArrayLike) -> list[Cell]:
    """One cell per ordered pair of different views: all walks of one against all of the other."""
    view = np.asarray(view_n)
    views = np.unique(view)
    return [
        Cell(view == probe, view == other) for probe in views for other in views if probe != other
    ]


def opposite_cells(forth_n: Mask, here_n: Mask) -> list[Cell]:
    """Two cells: the walks one way against those the other way, and the reverse.

    Args:
        forth_n: (N,) True for walks one way, False for the other.
        here_n: (N,) the walks that take part, for example those of one view.
    """
    there_n, back_n = here_n & forth_n, here_n & ~forth_n
    return [Cell(there_n, back_n), Cell(back_n, there_n)]
