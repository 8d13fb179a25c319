"""Symmetric score normalisation (S-norm), and the half of it that a gallery can do by itself.

Shape letters: N tested walks, K walks of the cohort, S people, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.protocols import Mask
from model.scores import Scores


@dataclass(frozen=True, slots=True)
class Filmed:
    """Walks before several cameras.

    Attributes:
        vectors_nd: float32 (N, D), unit vectors.
        person_n: (N,) who walks.
        walk_n: (N,) which of their walks, from 0.
        camera_n: (N,) azimuth in degrees.
    """

    vectors_nd: NDArray[np.float32]
    person_n: NDArray[np.int64]
    walk_n: NDArray[np.int64]
    camera_n: NDArray[np.int64]

    def of_first(self, people: int) -> Filmed:
        """Those of the people with the lowest numbers."""
        kept_n = np.isin(self.person_n, np.unique(self.person_n)[:people])
        return Filmed(
            self.vectors_nd[kept_n],
            self.person_n[kept_n],
            self.walk_n[kept_n],
            self.camera_n[kept_n],
        )


def normalised(
    tested: Filmed, cohort: Filmed, *, by_camera: bool, closest: int | None = None
) -> Scores:
    """S-norm of the cosines of all pairs.

    Args:
        tested: N walks.
        cohort: K walks of people who are not tested.
        by_camera: whether a walk is compared with the cohort before the OTHER walk's camera, rather
            than with all of it.
        closest: how many walks of that cohort count, those most like the walk; None takes all.

    Returns:
        (N, N), symmetric, in standard deviations of the cohort's scores.
    """
    scores_nn = tested.vectors_nd @ tested.vectors_nd.T
    with_cohort_nk = tested.vectors_nd @ cohort.vectors_nd.T
    from_row_nn = np.empty_like(scores_nn)  # what the walk of the row makes of the pair
    for camera in np.unique(tested.camera_n):
        seen_n = tested.camera_n == camera
        some_nk = with_cohort_nk[:, cohort.camera_n == camera] if by_camera else with_cohort_nk
        if closest is not None:
            some_nk = np.sort(some_nk, axis=1)[:, -closest:]
        mean_n1 = some_nk.mean(axis=1, keepdims=True)
        deviation_n1 = some_nk.std(axis=1, keepdims=True)
        from_row_nn[:, seen_n] = (scores_nn[:, seen_n] - mean_n1) / deviation_n1
    symmetric_nn: Scores = (0.5 * (from_row_nn + from_row_nn.T)).astype(np.float32)
    return symmetric_nn


def told_by_the_gallery(tested: Filmed, enrolled_n: Mask) -> Scores:
    """Each probe's cosines in deviations of what it scores with the others who are enrolled.

    The cohort of a comparison is everybody enrolled before the template's camera but the two people
    who are compared: nothing is needed that a gallery does not hold (Z-norm's mean and deviation,
    where `decided_scores` takes off a mean alone).

    Args:
        tested: N walks.
        enrolled_n: (N,) the walks that cohorts consist of, one of a person and camera at most.

    Returns:
        (N, N), probes in rows and templates in columns; not symmetric.
    """
    scores_nn = (tested.vectors_nd @ tested.vectors_nd.T).astype(np.float64)
    people, person_n = np.unique(tested.person_n, return_inverse=True)
    is_own_ns = person_n[:, None] == np.arange(len(people))
    deviations_nn = np.empty_like(scores_nn, dtype=np.float32)
    for camera in np.unique(tested.camera_n):
        here_n = tested.camera_n == camera
        cohort = np.flatnonzero(here_n & enrolled_n)
        met_ns = np.zeros((len(person_n), len(people)))  # 0 with whoever is not enrolled here
        met_ns[:, person_n[cohort]] = scores_nn[:, cohort]
        enrolled_s = np.bincount(person_n[cohort], minlength=len(people)).astype(np.float64)
        counts_ns = _without_the_two(np.broadcast_to(enrolled_s, met_ns.shape), is_own_ns)
        means_ns = _without_the_two(met_ns, is_own_ns) / counts_ns
        squares_ns = _without_the_two(met_ns**2, is_own_ns) / counts_ns
        spread_ns = np.sqrt(squares_ns - means_ns**2)
        whose = person_n[here_n]
        deviations_nn[:, here_n] = (scores_nn[:, here_n] - means_ns[:, whose]) / spread_ns[:, whose]
    return deviations_nn


def _without_the_two(values_ns: NDArray[np.float64], is_own_ns: Mask) -> NDArray[np.float64]:
    """(N, S) sums over everybody but the walk's own person and each of the others in turn."""
    others_ns = np.where(is_own_ns, 0.0, values_ns)
    rest_ns: NDArray[np.float64] = others_ns.sum(axis=1, keepdims=True) - others_ns
    return rest_ns
