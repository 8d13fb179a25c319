"""Who of a user's own people is trained on, and who is kept back to see whether it helped.

Shape letters: N walks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.batches import TooFewPeople

FEWEST_PEOPLE = 8  # with two walks: six to learn and two to ask
FEWEST_STRANGERS = 2


@dataclass(frozen=True, slots=True)
class PeopleSplit:
    """Three disjoint sets of walks; a person with a single walk is in none.

    Attributes:
        trained_n: (N,) True for walks to train on.
        kept_back_n: (N,) True for walks of the same people that are not trained on.
        strangers_n: (N,) True for all walks of people who are not trained on at all.
    """

    trained_n: NDArray[np.bool_]
    kept_back_n: NDArray[np.bool_]
    strangers_n: NDArray[np.bool_]


def split_people(
    label_n: NDArray[np.int64],
    *,
    stranger_share: float = 0.3,
    kept_back_share: float = 0.25,
    seed: int = 0,
) -> PeopleSplit:
    """Draws strangers from the people, and from the others' walks those that are kept back.

    Args:
        label_n: (N,) who walks.
        stranger_share: of the people; two at least.
        kept_back_share: of each trained person's walks, where two are left to train on.
        seed: of the draws.

    Raises:
        TooFewPeople: fewer than eight people have two walks.
    """
    people, counts = np.unique(label_n, return_counts=True)
    usable = people[counts >= 2]
    if usable.size < FEWEST_PEOPLE:
        msg = (
            f"{usable.size} of {people.size} people have two usable walks or more;"
            f" fine-tuning needs {FEWEST_PEOPLE}, so that some can be kept back to see if it helped"
        )
        raise TooFewPeople(msg)
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(usable)
    strangers = drawn[: max(FEWEST_STRANGERS, round(stranger_share * usable.size))]
    kept_back_n = np.zeros(len(label_n), dtype=np.bool_)
    trained_n = np.zeros_like(kept_back_n)
    for person in np.setdiff1d(usable, strangers):
        own = rng.permutation(np.flatnonzero(label_n == person))
        kept = min(max(1, round(kept_back_share * own.size)), own.size - 2)
        kept_back_n[own[:kept]] = True
        trained_n[own[kept:]] = True
    return PeopleSplit(trained_n, kept_back_n, np.isin(label_n, strangers))
