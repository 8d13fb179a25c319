"""Figures of an evaluation taken apart, by view and by condition, and where its errors lie.

Shape letters: N walks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from model.bootstrap import Estimate
from model.datasets.casia_b_splits import subjects_74_50
from model.evaluation_report import Breakdown
from model.measuring import Measuring
from model.protocols import (
    CASIA_B_CONDITIONS,
    Cell,
    Mask,
    casia_b_cells,
    enrolled_walks,
    probe_walks,
)
from model.ranking import identify


def walker_breakdowns(measuring: Measuring) -> None:
    """Rank-1 by view and condition; errors of verification by view, condition and angle."""
    if not measuring.in_detail:
        return
    walks = measuring.walks
    conditions_n, view_n = walks.condition_n, walks.view_n
    same_nn = view_n[:, None] == view_n[None, :]
    measuring.breakdowns.append(
        _rank_1(
            measuring,
            "rank-1 same view",
            "nm-01…04 of the probe's own view enrolled.",
            _same_view_cells,
        )
    )
    measuring.breakdowns.append(
        _rank_1(
            measuring,
            "rank-1 across views",
            "nm-01…04 of one other view at a time enrolled; the mean over these.",
            _cross_view_cells,
        )
    )
    pairs_of_conditions = {
        f"{one.upper()} with {other.upper()}": same_nn & _met(conditions_n, one, other)
        for place, one in enumerate(CASIA_B_CONDITIONS)
        for other in CASIA_B_CONDITIONS[place:]
    }
    measuring.errors(
        "same view",
        same_nn,
        groups={"view": _by_view(measuring), "conditions": pairs_of_conditions},
    )
    apart_nn = np.abs(view_n[:, None] - view_n[None, :])
    by_angle = {f"{angle:g}°": apart_nn == angle for angle in np.unique(apart_nn) if angle > 0}
    measuring.errors("cross-view", ~same_nn, groups={"angle between the views": by_angle})


def casia_b_breakdowns(measuring: Measuring) -> None:
    """The same of people 075 to 124, where there are any."""
    tested_n = subjects_74_50(measuring.walks, keep_005=True).tested_n
    if tested_n.any():
        walker_breakdowns(measuring.only(tested_n))


def casia_a_breakdowns(measuring: Measuring) -> None:
    """Errors of verification by view and by pair of views."""
    view_n = measuring.walks.view_n
    same_nn = view_n[:, None] == view_n[None, :]
    views = np.unique(view_n)
    by_pair = {
        f"{one:g}° with {other:g}°": _met(view_n, one, other)
        for place, one in enumerate(views)
        for other in views[place + 1 :]
    }
    measuring.errors("same view", same_nn, groups={"view": _by_view(measuring)})
    measuring.errors("across views", ~same_nn, groups={"views": by_pair})


def tree_breakdowns(measuring: Measuring) -> None:
    """Nothing is known of a walk but whose it is; the worst pairs are still worth a look."""
    everything_nn = np.ones((len(measuring.walks),) * 2, dtype=np.bool_)
    measuring.errors("", everything_nn, groups={})


def _by_view(measuring: Measuring) -> Mapping[str, Mask]:
    view_n = measuring.walks.view_n
    return {f"{view:g}°": _met(view_n, view, view) for view in np.unique(view_n)}


def _met(label_n: NDArray[np.generic], one: object, other: object) -> Mask:
    """(N, N) pairs of a walk labelled one way with a walk labelled the other, in one order."""
    met_nn: Mask = (label_n == one)[:, None] & (label_n == other)[None, :]
    return met_nn


_Cells = Callable[[Measuring, str, float], list[Cell]]


def _rank_1(measuring: Measuring, name: str, note: str, cells_of: _Cells) -> Breakdown:
    walks = measuring.walks

    def found(condition: str, view: float) -> Estimate:
        cells = cells_of(measuring, condition, view)
        return identify(measuring.scores_nn, walks.subject_n, cells, depth=1).rank(1).estimate()

    rows = tuple(
        (f"{view:g}°", tuple(found(condition, float(view)) for condition in CASIA_B_CONDITIONS))
        for view in np.unique(walks.view_n)
    )
    columns = tuple(condition.upper() for condition in CASIA_B_CONDITIONS)
    return Breakdown(name, note, "view of the probe", columns, rows)


def _same_view_cells(measuring: Measuring, condition: str, view: float) -> list[Cell]:
    walks = measuring.walks
    here_n = walks.view_n == view
    probes_n = probe_walks(walks.condition_n, walks.walk_n, condition)
    return [Cell(probes_n & here_n, enrolled_walks(walks.condition_n, walks.walk_n) & here_n)]


def _cross_view_cells(measuring: Measuring, condition: str, view: float) -> list[Cell]:
    walks = measuring.walks
    cells, pairs = casia_b_cells(walks.condition_n, walks.walk_n, walks.view_n, condition)
    return [cell for cell, (probe, _) in zip(cells, pairs, strict=True) if probe == view]
