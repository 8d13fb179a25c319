"""The log page by page: all of it, both ways, or only what is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from app.errors import InvalidField
from app.registry import Registry
from app.registry.audit import log
from app.registry.audit.log import LogPage, Wanted


def all_pages(page: Callable[[int | None], LogPage]) -> list[list[int]]:
    """The numbers of entries on each page, to the last one."""
    pages, after = [], None
    while True:
        found = page(after)
        pages.append([entry.seq for entry in found.entries])
        after = found.next_after
        if after is None:
            return pages


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [(True, [[8, 7, 6], [5, 4, 3], [2, 1]]), (False, [[1, 2, 3], [4, 5, 6], [7, 8]])],
)
def test_pages_hold_every_entry_once(
    signed: Registry, newest_first: bool, expected: list[list[int]]
) -> None:
    assert (
        all_pages(lambda after: signed.audit.page(newest_first=newest_first, limit=3, after=after))
        == expected
    )


def test_entries_that_come_meanwhile_change_no_page(signed: Registry) -> None:
    first = signed.audit.page(limit=4)
    signed.audit.note("subject.erased", subject=1)

    second = signed.audit.page(limit=4, after=first.next_after)

    assert [entry.seq for entry in second.entries] == [4, 3, 2, 1]
    assert second.next_after is None
    assert second.head is not None
    assert second.head.seq == 9


def test_an_empty_log_is_one_empty_page(registry: Registry) -> None:
    assert registry.audit.page() == LogPage((), None, None)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(actor="key:1"), [8, 5, 2]),
        (Wanted(action="subject.erased"), [9]),
        (Wanted(subject=3), [9, 4]),
        (Wanted(action="subject.changed", actor="key:0", subject=3), [4]),
        (Wanted(gallery=2), [9]),
        (Wanted(actor="nobody"), []),
    ],
)
def test_only_what_is_wanted_comes(
    signed: Registry, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, expected: list[int]
) -> None:
    signed.audit.note("subject.erased", subject=3, gallery=2)

    assert [each.seq for each in signed.audit.page(wanted=wanted).entries] == expected
    monkeypatch.setattr(log, "_SEARCHED_AT_ONCE", 2)
    pages = all_pages(lambda after: signed.audit.page(wanted=wanted, after=after))
    assert [seq for page in pages for seq in page] == expected
    assert len(pages) == 5


def test_a_page_gives_the_very_text_that_was_hashed(signed: Registry) -> None:
    (newest,) = signed.audit.page(limit=1).entries

    assert json.loads(newest.text)["details"] == {"gallery": 1, "subject": 7, "fields": ["name"]}
    assert newest.text == json.dumps(json.loads(newest.text), sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize("limit", [0, 501])
def test_a_page_has_its_limits(signed: Registry, limit: int) -> None:
    with pytest.raises(InvalidField):
        signed.audit.page(limit=limit)
