"""Failure to enrol: counted over all walks, resampled by person."""

from __future__ import annotations

import numpy as np
import pytest

from model.datasets.labelled import LabelledGeis, Refusal
from model.enrolment import failure_to_enrol


def _walks(kept: list[str], refused: list[str]) -> LabelledGeis:
    count = len(kept)
    return LabelledGeis(
        geis_nhw=np.zeros((count, 2, 2), np.uint8),
        subject_n=np.array(kept, dtype=np.str_),
        condition_n=np.array(["nm"] * count, dtype=np.str_),
        walk_n=np.ones(count, np.int64),
        view_n=np.zeros(count),
        drift_n2=np.zeros((count, 2)),
        refused=tuple(Refusal(f"{who}/1", "no-walker-found", "nobody", who) for who in refused),
    )


def test_the_rate_counts_refused_walks_among_all_also_of_people_who_have_no_other() -> None:
    rate = failure_to_enrol(_walks(["anna", "anna", "bert"], ["bert", "carl"]))
    assert rate.value == pytest.approx(2 / 5)
    assert (rate.people, rate.comparisons) == (3, 5)
    assert rate.low < rate.value < rate.high


def test_one_person_whose_walks_all_fail_makes_the_rate_less_sure_than_scattered_failures() -> None:
    names = [f"s{number}" for number in range(10)]
    together = failure_to_enrol(_walks(names[1:] * 5, names[:1] * 5))
    scattered = failure_to_enrol(_walks(names * 4 + names[:5], names[5:]))
    assert together.value == scattered.value == 0.1
    assert together.high - together.low > scattered.high - scattered.low


def test_no_refusal_among_few_people_does_not_prove_that_there_is_none() -> None:
    rate = failure_to_enrol(_walks(["anna", "bert"], []))
    assert (rate.value, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(1 - 0.05**0.5)
