"""Of walkers seen at the same time no two are one person."""

from __future__ import annotations

from app.search import SearchResult, decide_together
from app.search.assignment import assign
from tests.app.search.test_decision import BASIS, CURVE, candidate, result

THRESHOLD = CURVE.threshold(target_fpir=0.01, gallery_size=1)


def who(*results: SearchResult, together: tuple[tuple[int, int], ...]) -> list[str | None]:
    decided = decide_together(results, BASIS, target_fpir=0.01, together=together)
    return [each.subject for each in decided]


def test_two_who_look_like_one_subject_are_not_both_that_subject() -> None:
    close, closer = result(candidate("anna", 0.8)), result(candidate("anna", 0.9))

    assert who(close, closer, together=((0, 1),)) == [None, "anna"]


def test_who_loses_a_subject_gets_the_next_one_above_the_threshold() -> None:
    first = result(candidate("anna", 0.9), candidate("bert", 0.6))
    second = result(candidate("anna", 0.8))

    assert who(first, second, together=((0, 1),)) == ["bert", "anna"]


def test_nobody_becomes_a_match_by_losing_who_would_not_be_one_alone() -> None:
    first = result(candidate("anna", 0.9), candidate("bert", THRESHOLD - 0.01))
    second = result(candidate("anna", 0.8))

    decided = decide_together([first, second], BASIS, target_fpir=0.01, together=((0, 1),))
    assert [each.decision for each in decided] == ["match", "unknown"]
    assert decided[1].score == 0.8  # what it would have been is still told


def test_who_was_not_seen_at_the_same_time_may_be_one_person_who_came_back() -> None:
    found = [result(candidate("anna", 0.9))] * 2

    assert who(*found, together=()) == ["anna", "anna"]


def test_of_three_the_first_and_last_may_be_one_though_the_second_met_both() -> None:
    anna = result(candidate("anna", 0.9))
    between = result(candidate("anna", 0.95), candidate("bert", 0.6))

    assert who(anna, between, anna, together=((0, 1), (1, 2))) == ["anna", "bert", "anna"]


def test_the_whole_is_weighed_and_not_one_after_the_other() -> None:
    """Taking the best pair first would leave both others with nobody."""
    margins = [
        {"anna": 0.40, "bert": 0.35},
        {"anna": 0.30, "cora": 0.28},
        {"bert": 0.30},
    ]

    assert assign(margins, [(0, 1), (0, 2), (1, 2)]) == ("anna", "cora", "bert")
