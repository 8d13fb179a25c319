"""Who is who when several walkers are seen at once: one subject cannot be two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

Pair = tuple[int, int]


def assign(
    margins: Sequence[Mapping[str, float]], together: Sequence[Pair]
) -> tuple[str | None, ...]:
    """Gives each walker a subject, or none, so that what is known of all of them fits best.

    The sum of the margins is maximised. A margin is a score less the threshold of its walker, so
    being unknown is worth as much as a score right at the threshold: somebody is moved to a worse
    candidate only where another gains more by it. Solved exactly as an integer programme, because
    of three walkers the first and the last may be one person who came back, which a one-to-one
    assignment could not say.

    Args:
        margins: of each walker, the subjects it may be, all of them at least 0.
        together: pairs of walkers (places in `margins`) who were seen at the same time.

    Returns:
        A subject for each walker; None where none is left.
    """
    favourites = tuple(_best(each) for each in margins)
    if not any(favourites[a] is not None and favourites[a] == favourites[b] for a, b in together):
        return favourites  # nobody disputes anything: better than everybody's best cannot be
    choices = [(walker, subject) for walker, each in enumerate(margins) for subject in each]
    column_of = {choice: column for column, choice in enumerate(choices)}
    exclusive = [
        [column_of[walker, subject] for subject in each] for walker, each in enumerate(margins)
    ]
    exclusive += [
        [column_of[a, subject], column_of[b, subject]]
        for a, b in together
        for subject in margins[a].keys() & margins[b].keys()
    ]
    rows = np.zeros((len(exclusive), len(choices)))
    for row, columns in zip(rows, exclusive, strict=True):
        row[columns] = 1.0
    solved = milp(
        [-margins[walker][subject] for walker, subject in choices],
        integrality=np.ones(len(choices), np.int8),
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(rows, ub=1.0),
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:  # that nobody is anybody satisfies all constraints
        raise RuntimeError(solved.message)
    subjects: list[str | None] = [None] * len(margins)
    for taken, (walker, subject) in zip(solved.x, choices, strict=True):
        if taken > 0.5:
            subjects[walker] = subject
    return tuple(subjects)


def _best(margins: Mapping[str, float]) -> str | None:
    return max(margins, key=lambda subject: margins[subject], default=None)
