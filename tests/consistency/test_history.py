"""The checker finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace

from tests.consistency.history import Event, contradictions

ADA = Event("enrol", "ada", 0, 10, 1)
BOB = Event("enrol", "bob", 20, 30, 2)
SEEN = Event("identify", "ada", 40, 50, 2, ("ada", "bob"))
GONE = Event("erase", "ada", 60, 70, 3)
UNSEEN = Event("identify", "ada", 80, 90, 3, ("bob",))


def test_a_history_in_order_holds_together() -> None:
    assert contradictions([ADA, BOB, SEEN, GONE, UNSEEN]) == []


def test_calls_at_the_same_time_may_have_happened_in_either_order() -> None:
    beside = replace(UNSEEN, begun_ns=5, ended_ns=9, revision=0, found=())
    assert contradictions([ADA, BOB, beside]) == []
    during_erasure = replace(SEEN, begun_ns=65, ended_ns=66, revision=3, found=("bob",))
    assert contradictions([ADA, BOB, GONE, during_erasure]) == []


def test_a_missed_enrolment_is_found() -> None:
    assert contradictions([ADA, BOB, replace(SEEN, found=("bob",))]) == ["ada was missed"]


def test_an_erased_subject_that_is_named_is_found() -> None:
    assert contradictions([ADA, BOB, GONE, replace(UNSEEN, found=("bob", "ada"))]) == [
        "ada was erased and then named by the search for ada"
    ]


def test_a_stale_search_is_found() -> None:
    assert contradictions([ADA, BOB, replace(SEEN, revision=1)]) == [
        "a search at revision 1 after revision 2"
    ]


def test_revisions_that_are_used_twice_or_left_out_are_found() -> None:
    assert contradictions([ADA, replace(BOB, revision=1)]) == ["revision 1 was made twice"]
    assert contradictions([ADA, replace(BOB, revision=3)]) == ["revision 2 was made by nobody"]


def test_a_name_from_nowhere_is_found() -> None:
    assert contradictions([ADA, BOB, replace(SEEN, found=("ada", "eve"))]) == [
        "eve was named before anybody enrolled them"
    ]


def test_events_survive_being_written_down() -> None:
    assert Event.from_line(SEEN.to_line()) == SEEN
