"""People who are squares of noise: an evaluation of them takes a moment.

Shape letters: N walks, H rows, W columns.
"""

from __future__ import annotations

import numpy as np

from model.datasets.labelled import LabelledGeis

_WALKS = [("nm", number) for number in range(1, 7)] + [
    (condition, number) for condition in ("bg", "cl") for number in (1, 2)
]


def squares(
    *,
    people: int,
    views_degrees: tuple[float, ...],
    first_subject: int,
    noise: int,
    column: int,
    seed: int,
) -> LabelledGeis:
    """CASIA-B's shape; a person is a bright column, disturbed by noise.

    Args:
        people: five at most, a column each.
        views_degrees: in which everybody walks ten times.
        first_subject: number of the first person.
        noise: grey values below this.
        column: by how much brighter the person's is.
        seed: of the noise.
    """
    rows = [
        (person, view, *walk)
        for person in range(people)
        for view in views_degrees
        for walk in _WALKS
    ]
    rng = np.random.default_rng(seed)
    geis_nhw = rng.integers(0, noise, (len(rows), 12, 10), dtype=np.uint8)
    for number, (person, *_) in enumerate(rows):
        geis_nhw[number, :, 2 * person] += column
    return LabelledGeis(
        geis_nhw=geis_nhw,
        subject_n=np.array([f"{first_subject + person:03d}" for person, *_ in rows]),
        condition_n=np.array([condition for _, _, condition, _ in rows]),
        walk_n=np.array([number for *_, number in rows]),
        view_n=np.array([view for _, view, _, _ in rows]),
        drift_n2=np.full((len(rows), 2), np.nan),
    )
