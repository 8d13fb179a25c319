"""What may be stored as an id, a name, metadata; and cursors that nobody can make up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidField
from app.registry import clean_gallery, clean_metadata, clean_name, clean_subject
from app.registry.fields import decode_cursor, encode_cursor


@pytest.mark.parametrize("text", ["anna", "Änne Müller", "4711/b", "x" * 128, "走る人", "a'; --"])
def test_a_visible_subject_id_is_kept(text: str) -> None:
    assert clean_subject(text) == text


def test_a_subject_id_is_trimmed_and_composed() -> None:
    assert clean_subject("  A\u0308nne ") == "Änne"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "x" * 129,
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "a\u202eb",
        "a\u200db",
        "a\ud800",
        "a\u2028b",
    ],
)
def test_an_empty_long_or_invisible_subject_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        clean_subject(text)
    assert refusal.value.to_json()["field"] == "subject"
    assert refusal.value.status == 422


@pytest.mark.parametrize("text", ["default", "a", "Lab_2.east-1", "x" * 64])
def test_a_plain_gallery_name_is_kept(text: str) -> None:
    assert clean_gallery(f" {text} ") == text


@pytest.mark.parametrize("text", ["", "a b", "a/b", "ä", "x" * 65, "a\n", "٣"[:1] + "b"])
def test_another_gallery_name_is_refused_or_trimmed(text: str) -> None:
    if text == "a\n":
        assert clean_gallery(text) == "a"
        return
    with pytest.raises(InvalidField):
        clean_gallery(text)


def test_an_empty_name_is_no_name() -> None:
    assert clean_name("  ") is None
    assert clean_name(" Anna ") == "Anna"


@pytest.mark.parametrize("text", ["x" * 201, "a\x00", "a\u202eb"])
def test_a_long_or_invisible_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        clean_name(text)


def test_metadata_is_a_json_object() -> None:
    assert clean_metadata({"team": [1, {"shoe": None}]}) == {"team": [1, {"shoe": None}]}


@pytest.mark.parametrize(
    "value",
    [[], "text", None, {"a": float("nan")}, {"a": "x" * 20_000}, {"a": "\ud800"}, {"a": b"bytes"}],
)
def test_metadata_that_is_not_a_small_json_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidField):
        clean_metadata(value)


def test_metadata_that_is_nested_too_deep_is_refused() -> None:
    value: object = 1
    for _ in range(10_000):
        value = [value]
    with pytest.raises(InvalidField):
        clean_metadata({"a": value})


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_comes_back_as_it_was_made(last_id: int) -> None:
    assert decode_cursor(encode_cursor(last_id)) == last_id


@given(st.text(max_size=40))
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        decode_cursor(cursor)
    assert refusal.value.field == "cursor"
