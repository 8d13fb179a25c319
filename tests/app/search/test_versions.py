"""Readers keep the version they began with; what it needs is overwritten when the last one left."""

from __future__ import annotations

import pytest

from app.search.versions import Versions


def test_leftovers_wait_for_the_readers_of_older_versions_and_for_no_others() -> None:
    versions = Versions("first")
    overwritten: list[str] = []
    with versions.reading() as early:
        versions.publish("second", lambda: overwritten.append("first"))
        with versions.reading() as late:
            assert (early, late) == ("first", "second")
            versions.publish("third", lambda: overwritten.append("second"))
        # The reader of the second has left; the one of the first may still need both.
        assert overwritten == []
    assert overwritten == ["first", "second"]


def test_without_readers_leftovers_go_at_once() -> None:
    versions = Versions(1)
    overwritten: list[int] = []
    with versions.reading():
        pass
    versions.publish(2, lambda: overwritten.append(1))
    assert overwritten == [1]
    assert versions.newest == 2


def test_a_reader_that_fails_holds_nothing_up() -> None:
    versions = Versions(1)
    overwritten: list[int] = []

    def fail() -> None:
        with versions.reading():
            versions.publish(2, lambda: overwritten.append(1))
            raise OSError("while searching")

    with pytest.raises(OSError, match="while searching"):
        fail()
    assert overwritten == [1]
