"""Every error is a problem document that says what to do."""

from __future__ import annotations

import inspect

import pytest

from app import errors
from app.errors import InternalError, Problem, TooBusy, UnknownSubject, problem_of
from model.refusals import CameraMoves

PROBLEMS = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, Problem) and each is not Problem
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.__name__)
def test_each_problem_has_a_type_a_status_and_advice_of_its_own(problem: type[Problem]) -> None:
    assert 400 <= problem.status < 600
    assert problem.slug.replace("-", "").isalpha()
    assert problem.slug != Problem.slug
    assert problem.title != Problem.title
    assert problem.__doc__


def test_no_two_problems_share_a_type() -> None:
    slugs = [problem.slug for problem in PROBLEMS]
    assert len(set(slugs)) == len(slugs)


def test_a_problem_document_begins_with_the_members_of_the_standard() -> None:
    document = UnknownSubject("anna", "lab").to_json()
    assert list(document) == ["type", "title", "status", "detail", "advice", "subject"]
    assert document["type"] == "/problems/unknown-subject"
    assert document["status"] == 404
    assert document["detail"] == "No subject 'anna' is enrolled in gallery 'lab'."


def test_facts_never_replace_the_members_of_the_standard() -> None:
    assert errors.MissingWalk("No walk came.", status="0", walks=0).to_json()["status"] == 422


def test_a_refused_walk_is_a_422_of_its_own_type() -> None:
    document = problem_of(CameraMoves("The background shifts by 14 pixels.", shift=14)).to_json()
    assert document["type"] == "/problems/camera-moves"
    assert (document["status"], document["shift"]) == (422, 14)
    assert document["advice"] == CameraMoves.advice


def test_an_unexpected_error_tells_nothing_but_a_support_id() -> None:
    problem = problem_of(ValueError("password=secret"))
    assert isinstance(problem, InternalError)
    assert "secret" not in str(problem.to_json())
    assert problem.to_json()["support_id"] == problem.support_id


def test_a_busy_service_says_when_to_come_back() -> None:
    assert TooBusy(retry_after_seconds=7).headers == {"Retry-After": "7"}
    assert problem_of(TooBusy()).status == 503
