"""Who of CASIA-B is trained on, and who is tested.

Shape letters: N walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PAPER_VIEWS_DEGREES = (36, 54, 72, 90, 108, 126, 144)
LAST_TRAINED_SUBJECT = 74
SUBJECT_WITHOUT_VIEW_0 = "005"


class Labels(Protocol):
    """Who walks, how and seen from where: a `WalkSet` or `LabelledGeis`."""

    @property
    def subject_n(self) -> NDArray[np.str_]:
        """(N,) "001" … "124"."""

    @property
    def condition_n(self) -> NDArray[np.str_]:
        """(N,) "nm", "bg" or "cl"."""

    @property
    def walk_n(self) -> NDArray[np.int64]:
        """(N,) within the condition, from 1."""

    @property
    def view_n(self) -> NDArray[np.float64]:
        """(N,) degrees."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which walks are trained on, and which are tested: bool (N,); some may be neither."""

    trained_n: NDArray[np.bool_]
    tested_n: NDArray[np.bool_]


def closed_set(walks: Labels) -> Split:
    """The paper's: everybody's walks from 36° to 144°; trained on nm-01 … 04, tested on the rest.

    The people are known from training. 3,458 walks are trained on when only the known gaps lack.
    """
    in_view_n = np.isin(walks.view_n, PAPER_VIEWS_DEGREES)
    first_n = (walks.condition_n == "nm") & (walks.walk_n <= 4)
    return Split(trained_n=in_view_n & first_n, tested_n=in_view_n & ~first_n)


def subjects_74_50(walks: Labels, *, keep_005: bool) -> Split:
    """The standard one: 001 … 074 are trained on, 075 … 124, never seen in training, are tested.

    Args:
        walks: of CASIA-B.
        keep_005: whether the person who has no walk from 0° is trained on, as OpenGait does;
            GaitSet leaves them out.
    """
    number_n = walks.subject_n.astype(np.int64)
    trained_n = number_n <= LAST_TRAINED_SUBJECT
    if not keep_005:
        trained_n &= walks.subject_n != SUBJECT_WITHOUT_VIEW_0
    return Split(trained_n=trained_n, tested_n=number_n > LAST_TRAINED_SUBJECT)
