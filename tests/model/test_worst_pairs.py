"""The gallery of errors: the pairs that score worst, each two people and each person once."""

from __future__ import annotations

import numpy as np

from model.datasets.labelled import LabelledGeis
from model.worst_pairs import SeenWalk, WalkPair, WorstPairs, worst_pairs


def _walks(subjects: list[str], views: list[float]) -> LabelledGeis:
    count = len(subjects)
    return LabelledGeis(
        geis_nhw=np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8),
        subject_n=np.array(subjects),
        condition_n=np.array(["nm"] * count),
        walk_n=np.arange(1, count + 1),
        view_n=np.array(views),
        drift_n2=np.full((count, 2), np.nan),
    )


def _numbers(pairs: tuple[WalkPair, ...]) -> list[tuple[int, int, float, bool]]:
    return [(one.first.walk, one.second.walk, round(one.score, 6), one.is_error) for one in pairs]


def _found(most: int, views: list[float] | None = None) -> WorstPairs:
    """Anna walks twice (1, 2), bert twice (3, 4), carl once (5)."""
    scores_nn = np.array(
        [
            [1.0, 0.7, 0.6, 0.8, 0.1],
            [0.7, 1.0, 0.5, 0.2, 0.9],
            [0.6, 0.5, 1.0, 0.3, 0.4],
            [0.8, 0.2, 0.3, 1.0, 0.2],
            [0.1, 0.9, 0.4, 0.2, 1.0],
        ],
        dtype=np.float32,
    )
    view_n = np.array(views or [90.0] * 5)
    return worst_pairs(
        scores_nn,
        _walks(["anna", "anna", "bert", "bert", "carl"], view_n.tolist()),
        view_n[:, None] == view_n[None, :],
        name="same view",
        threshold=0.5,
        most=most,
    )


def test_the_most_alike_strangers_and_the_least_alike_walks_of_one_person_come_first() -> None:
    found = _found(most=3)
    assert _numbers(found.false_accepts) == [
        (2, 5, 0.9, True),
        (1, 4, 0.8, True),  # not 1 and 3, the same two people once more
        (3, 5, 0.4, False),
    ]
    assert _numbers(found.false_rejects) == [(3, 4, 0.3, True), (1, 2, 0.7, False)]


def test_only_as_many_as_asked_for_are_kept_and_they_are_the_worst() -> None:
    found = _found(most=1)
    assert _numbers(found.false_accepts) == [(2, 5, 0.9, True)]
    assert _numbers(found.false_rejects) == [(3, 4, 0.3, True)]


def test_pairs_that_are_not_compared_are_not_shown() -> None:
    found = _found(most=9, views=[0.0, 90.0, 0.0, 0.0, 90.0])
    assert _numbers(found.false_accepts) == [(1, 4, 0.8, True), (2, 5, 0.9, True)][::-1]
    assert _numbers(found.false_rejects) == [(3, 4, 0.3, True)]


def test_a_walk_is_named_and_its_picture_comes_along_but_not_into_the_json() -> None:
    pair = _found(most=1).false_accepts[0]
    assert pair.first.gei_hw[0, 0] == 1
    assert pair.second.gei_hw[0, 0] == 4
    assert pair.first.to_json() == {
        "subject": "anna",
        "condition": "nm",
        "walk": 2,
        "view_degrees": 90.0,
    }
    nowhere = SeenWalk("anna", "nm", 1, None, pair.first.gei_hw)
    assert nowhere.to_json()["view_degrees"] is None
