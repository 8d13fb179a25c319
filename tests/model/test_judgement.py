"""A judgement names the fault a walk was made with, and scores the walk by it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from model.capture.recording import CapturedWalk, SceneFacts
from model.gei import GeiConfig, energy_image
from model.judgement import Judgement, judge
from model.judgement_score import FITTED, GOOD_FROM, POOR_BELOW, level_of
from model.walkers import Condition, Identity, Shot
from tests.spoiled_walks import SPOILS, Take, film

PEOPLE = range(7_900_000, 7_900_005)
SIDE = Shot(azimuth_degrees=80.0, frames=64)
TOWARDS = Shot(azimuth_degrees=20.0, frames=64)
GOOD_SCENE = SceneFacts(light=120.0, contrast=12.0, drift=0.0)


def _judged(walk: CapturedWalk, scene: SceneFacts | None = None) -> Judgement:
    return judge(walk, scene, energy_image(walk.sequence, GeiConfig()))


@cache
def _clean(person: int) -> CapturedWalk:
    return film(Identity.from_seed(person), "nm", 1, Take(SIDE))


def _spoiled(kind: str, person: int, strength: float) -> CapturedWalk:
    take = SPOILS[kind](Take(SIDE), strength, np.random.default_rng(person))
    return film(Identity.from_seed(person), "nm", 1, take)


def _codes(judgement: Judgement) -> set[str]:
    return {finding.code for finding in judgement.findings}


@pytest.mark.parametrize("condition", ["nm", "bg", "cl"])
@pytest.mark.parametrize("shot", [SIDE, TOWARDS], ids=["side", "towards"])
@pytest.mark.parametrize("pixels", [80.0, 180.0])
def test_clean_walks_at_usual_sizes_are_good_and_nothing_is_found(
    condition: Condition, shot: Shot, pixels: float
) -> None:
    take = Take(replace(shot, walker_pixels=pixels))
    for person in PEOPLE[:2]:
        walk = film(Identity.from_seed(person), condition, 1, take)
        judgement = _judged(walk, GOOD_SCENE)
        assert judgement.level == "good"
        assert judgement.findings == ()


@pytest.mark.parametrize(
    ("code", "kind", "strength"),
    [
        ("too-small", "small", 0.5),
        ("too-few-cycles", "short", 0.3),
        ("frame-rate-low", "low frame rate", 0.5),
        ("cut-at-border", "cut by the border", 0.8),
        ("head-hidden", "head hidden", 0.7),
        ("legs-hidden", "behind a hedge", 0.9),
        ("ragged-mask", "ragged", 1.0),
        ("frames-dropped", "frames lost", 0.5),
    ],
)
def test_the_fault_a_walk_was_made_with_is_found(code: str, kind: str, strength: float) -> None:
    found = [code in _codes(_judged(_spoiled(kind, person, strength))) for person in PEOPLE]
    assert sum(found) >= len(found) - 1
    assert not any(code in _codes(_judged(_clean(person))) for person in PEOPLE)


def test_a_pause_of_a_third_of_the_walk_is_found() -> None:
    """The person stands: the same silhouette for 24 of 88 frames."""
    for person in PEOPLE:
        walk = _clean(person)
        masks = walk.sequence.silhouettes
        paused = replace(walk.sequence, silhouettes=masks[:40] + (masks[40],) * 24 + masks[40:])
        assert "stands-still" in _codes(_judged(replace(walk, sequence=paused)))
        assert "stands-still" not in _codes(_judged(walk))


def test_steps_as_quick_as_a_runners_are_found() -> None:
    walk = _clean(PEOPLE[0])
    period_seconds = energy_image(walk.sequence, GeiConfig()).quality.period_seconds
    assert period_seconds is not None
    quick = replace(walk.sequence, frames_per_second=25.0 * period_seconds / 0.75)
    assert "runs" in _codes(_judged(replace(walk, sequence=quick)))
    assert "runs" not in _codes(_judged(walk))


def test_a_walker_who_doubles_the_pace_has_a_vague_period() -> None:
    found = []
    for person in PEOPLE:
        walk = film(Identity.from_seed(person), "nm", 1, Take(replace(SIDE, frames=90)))
        masks = walk.sequence.silhouettes
        hurried = replace(walk.sequence, silhouettes=masks[:30] + masks[30::2])
        found.append("period-vague" in _codes(_judged(replace(walk, sequence=hurried))))
        assert "period-vague" not in _codes(_judged(walk))
    assert sum(found) >= len(found) - 1


def test_somebody_else_in_the_picture_is_found() -> None:
    walk = _clean(PEOPLE[0])
    judgement = _judged(replace(walk, people=3))
    assert [finding.code for finding in judgement.findings] == ["several-people"]
    assert judgement.findings[0].sentence.startswith("3 people")


@pytest.mark.parametrize(
    ("code", "scene"),
    [
        ("light-low", replace(GOOD_SCENE, light=18.0)),
        ("low-contrast", replace(GOOD_SCENE, contrast=2.0)),
        ("camera-moves", replace(GOOD_SCENE, drift=0.04)),
    ],
)
def test_what_the_camera_sees_is_judged_where_there_is_a_camera(
    code: str, scene: SceneFacts
) -> None:
    walk = _clean(PEOPLE[0])
    assert _codes(_judged(walk, scene)) == {code}
    assert _codes(_judged(walk, None)) == set()


@pytest.mark.parametrize(
    ("kind", "strengths"),
    [
        ("small", (0.0, 0.5, 1.0)),
        ("behind a hedge", (0.0, 0.6, 0.9)),
        ("head hidden", (0.0, 0.6, 1.0)),
        ("swollen", (0.0, 0.5, 1.0)),
    ],
)
def test_the_stronger_the_fault_the_lower_the_score(
    kind: str, strengths: tuple[float, ...]
) -> None:
    scores = [
        np.mean([_judged(_spoiled(kind, person, strength)).score for person in PEOPLE])
        for strength in strengths
    ]
    clean = np.mean([_judged(_clean(person)).score for person in PEOPLE])
    assert clean > scores[0] - 0.02
    assert all(weaker > stronger for weaker, stronger in pairwise(scores))


def test_a_walker_of_a_dozen_pixels_is_poor_and_told_how_many_are_needed() -> None:
    judgement = _judged(_spoiled("small", PEOPLE[0], 1.0))
    assert judgement.level == "poor"
    sentences = {finding.code: finding.sentence for finding in judgement.findings}
    assert sentences["too-small"].startswith("The walker is 1")
    assert "pixels tall" in sentences["too-small"]


def test_no_shortcoming_ever_raises_the_score() -> None:
    assert all(weight >= 0.0 for weight in FITTED.weights.values())


def test_an_unknown_frame_rate_is_not_held_against_a_walk() -> None:
    walk = _clean(PEOPLE[0])
    unknown = replace(walk, sequence=replace(walk.sequence, frames_per_second=None))
    assert _judged(unknown).score == pytest.approx(_judged(walk).score)
    assert _judged(unknown).findings == ()


def test_levels_follow_the_score() -> None:
    assert [level_of(score) for score in (0.0, POOR_BELOW, GOOD_FROM, 1.0)] == [
        "poor",
        "fair",
        "good",
        "good",
    ]


def test_a_judgement_is_plain_json() -> None:
    judgement = _judged(_spoiled("small", PEOPLE[0], 0.5))
    plain = json.loads(json.dumps(judgement.to_json()))
    assert plain["level"] == judgement.level
    assert plain["score"] == pytest.approx(judgement.score, abs=0.001)
    assert set(plain["findings"][0]) == {"code", "sentence", "advice"}
