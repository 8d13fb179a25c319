"""The benchmark's S-norm against the same written out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.score_normalisation import Filmed, normalised, told_by_the_gallery

CAMERAS = (0, 90)


def _walkers(people: int, seed: int) -> Filmed:
    rng = np.random.default_rng(seed)
    walks = [
        (person, walk, camera) for person in range(people) for walk in (0, 1) for camera in CAMERAS
    ]
    vectors_nd = rng.standard_normal((len(walks), 6)).astype(np.float32)
    person_n, walk_n, camera_n = np.array(walks).T
    unit_nd = vectors_nd / np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    return Filmed(unit_nd, person_n, walk_n, camera_n)


@pytest.mark.parametrize("by_camera", [True, False])
@pytest.mark.parametrize("closest", [None, 3])
def test_each_side_is_told_by_the_cohort_before_the_other_sides_camera(
    by_camera: bool, closest: int | None
) -> None:
    tested, cohort = _walkers(3, seed=1), _walkers(5, seed=2)
    scores_nn = normalised(tested, cohort, by_camera=by_camera, closest=closest)

    def deviations(score: float, walk: int, other: int) -> float:
        met = [
            float(tested.vectors_nd[walk] @ vector_d)
            for vector_d, camera in zip(cohort.vectors_nd, cohort.camera_n, strict=True)
            if camera == tested.camera_n[other] or not by_camera
        ]
        counted = sorted(met)[-closest:] if closest else met
        return float((score - np.mean(counted)) / np.std(counted))

    for one in range(len(scores_nn)):
        for other in range(len(scores_nn)):
            cosine = float(tested.vectors_nd[one] @ tested.vectors_nd[other])
            expected = (deviations(cosine, one, other) + deviations(cosine, other, one)) / 2.0
            assert scores_nn[one, other] == pytest.approx(expected, abs=1e-4)


def test_the_gallery_tells_a_probe_what_the_other_people_score() -> None:
    tested = _walkers(6, seed=4)
    enrolled_n = tested.walk_n == 0
    scores_nn = told_by_the_gallery(tested, enrolled_n)
    for probe in range(len(scores_nn)):
        for template in range(len(scores_nn)):
            two = (tested.person_n[probe], tested.person_n[template])
            met = [
                float(tested.vectors_nd[probe] @ tested.vectors_nd[other])
                for other in np.flatnonzero(enrolled_n)
                if tested.person_n[other] not in two
                and tested.camera_n[other] == tested.camera_n[template]
            ]
            cosine = float(tested.vectors_nd[probe] @ tested.vectors_nd[template])
            expected = (cosine - np.mean(met)) / np.std(met)
            assert scores_nn[probe, template] == pytest.approx(expected, abs=1e-3)


def test_a_smaller_cohort_is_part_of_the_larger_one_and_whole_people() -> None:
    some = _walkers(5, seed=3).of_first(2)
    assert sorted(some.person_n) == [0] * 4 + [1] * 4
