"""The pairs of walks that a system errs on most: what an error gallery shows.

Shape letters: N walks, H rows, W columns, O own and L others' walks, M other people.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.datasets.labelled import LabelledGeis
from model.protocols import Mask
from model.scores import Scores


@dataclass(frozen=True, slots=True)
class SeenWalk:
    """One walk of a pair.

    Attributes:
        subject: who walks.
        condition: "nm", "bg" or "cl".
        walk: its number.
        view_degrees: None where nobody said.
        gei_hw: uint8 (H, W).
    """

    subject: str
    condition: str
    walk: int
    view_degrees: float | None
    gei_hw: NDArray[np.uint8] = field(repr=False, compare=False)

    def to_json(self) -> dict[str, object]:
        """Without the picture."""
        return {
            "subject": self.subject,
            "condition": self.condition,
            "walk": self.walk,
            "view_degrees": self.view_degrees,
        }


@dataclass(frozen=True, slots=True)
class WalkPair:
    """Two walks and how alike the system finds them.

    Attributes:
        first: one walk.
        second: the other.
        score: the higher, the more alike.
        is_error: whether the threshold decides wrongly about them.
    """

    first: SeenWalk
    second: SeenWalk
    score: float
    is_error: bool

    def to_json(self) -> dict[str, object]:
        """Without the pictures."""
        walks = {"first": self.first.to_json(), "second": self.second.to_json()}
        return {**walks, "score": self.score, "is_error": self.is_error}


@dataclass(frozen=True, slots=True)
class WorstPairs:
    """The worst errors among some comparisons.

    Attributes:
        name: which comparisons.
        threshold: that of equal error; a pair that scores as much passes for one person.
        false_accepts: two people each, the most alike first; of two people only their worst pair.
        false_rejects: one person each, the least alike first; of a person only the worst pair.
    """

    name: str
    threshold: float
    false_accepts: tuple[WalkPair, ...]
    false_rejects: tuple[WalkPair, ...]

    def to_json(self) -> dict[str, object]:
        """Without the pictures."""
        return {
            "name": self.name,
            "threshold": self.threshold,
            "false_accepts": [pair.to_json() for pair in self.false_accepts],
            "false_rejects": [pair.to_json() for pair in self.false_rejects],
        }


def worst_pairs(
    scores_nn: Scores,
    walks: LabelledGeis,
    permitted_nn: Mask,
    *,
    name: str,
    threshold: float,
    most: int,
) -> WorstPairs:
    """Finds the most alike pairs of two people and the least alike ones of one person.

    Without the rule that two people, or one person, appear once, one unlucky walk would fill the
    whole gallery.

    Args:
        scores_nn: (N, N), symmetric.
        walks: who, how, from where.
        permitted_nn: (N, N), which pairs count in either order.
        name: which comparisons these are.
        threshold: that tells errors from the rest.
        most: pairs of each kind.
    """
    either_nn = permitted_nn | permitted_nn.T
    _, label_n = np.unique(walks.subject_n, return_inverse=True)
    alike: list[tuple[float, int, int]] = []
    unlike: list[tuple[float, int, int]] = []
    for subject in range(int(label_n.max(initial=-1)) + 1):
        own = np.flatnonzero(label_n == subject)
        later = np.flatnonzero(label_n > subject)
        alike += _closest_to_others(scores_nn, either_nn, own, later, label_n[later])
        once_oo = np.triu(either_nn[np.ix_(own, own)], k=1)
        if once_oo.any():
            own_oo = np.where(once_oo, scores_nn[np.ix_(own, own)], np.inf)
            row, column = np.unravel_index(int(own_oo.argmin()), own_oo.shape)
            unlike.append((float(own_oo[row, column]), int(own[row]), int(own[column])))
        alike = sorted(alike, key=lambda one: (-one[0], one[1:]))[:most]
    unlike = sorted(unlike)[:most]

    def pair(score: float, first: int, second: int, *, is_error: bool) -> WalkPair:
        return WalkPair(_seen(walks, first), _seen(walks, second), score, is_error)

    return WorstPairs(
        name,
        threshold,
        tuple(pair(*one, is_error=one[0] >= threshold) for one in alike),
        tuple(pair(*one, is_error=one[0] < threshold) for one in unlike),
    )


def _closest_to_others(
    scores_nn: Scores,
    either_nn: Mask,
    own: NDArray[np.intp],
    later: NDArray[np.intp],
    label_l: NDArray[np.int64],
) -> list[tuple[float, int, int]]:
    """One person's best permitted score with each later person: score, own walk, other walk."""
    order = np.argsort(label_l, kind="stable")
    later = later[order]
    block = np.ix_(own, later)
    if later.size == 0:
        return []
    scores_ol = np.where(either_nn[block], scores_nn[block], -np.inf)
    best_l, row_l = scores_ol.max(axis=0), scores_ol.argmax(axis=0)
    starts_m = np.unique(label_l[order], return_index=True)[1]
    ends_m = np.append(starts_m[1:], later.size)
    found = []
    for start, end in zip(starts_m, ends_m, strict=True):
        place = start + int(best_l[start:end].argmax())
        if np.isfinite(best_l[place]):
            found.append((float(best_l[place]), int(own[row_l[place]]), int(later[place])))
    return found


def _seen(walks: LabelledGeis, index: int) -> SeenWalk:
    view = float(walks.view_n[index])
    return SeenWalk(
        subject=str(walks.subject_n[index]),
        condition=str(walks.condition_n[index]),
        walk=int(walks.walk_n[index]),
        view_degrees=None if np.isnan(view) else view,
        gei_hw=walks.geis_nhw[index],
    )
