"""The benchmarks that ask who passes, and what a second model buys."""

from __future__ import annotations

import numpy as np
import pytest

from model.calibration import Calibration
from tests.benchmarks.bench_conditions import PEOPLE, TEMPLATES, galleries, passing
from tests.benchmarks.bench_fusion import fused
from tests.benchmarks.one_camera import Walks

# Half of all strangers score above 0, one in a billion above 1.
CURVE = Calibration((0.5, 1e-9), (0.0, 1.0), "none", 0, 0)


def test_a_fused_ranking_is_the_networks_at_weight_0_and_the_linear_models_at_1() -> None:
    rng = np.random.default_rng(0)
    network_nn, linear_nn = rng.random((2, 5, 5)).astype(np.float32)
    assert fused(network_nn, linear_nn, 0.0) == pytest.approx(network_nn)
    assert fused(network_nn, linear_nn, 1.0) == pytest.approx(linear_nn)
    assert fused(network_nn, linear_nn, 0.25)[1, 2] == pytest.approx(
        0.75 * network_nn[1, 2] + 0.25 * linear_nn[1, 2]
    )


def test_nobody_who_is_enrolled_comes_as_a_stranger_and_a_double_passes_where_others_do_not() -> (
    None
):
    people = np.arange(PEOPLE.start, PEOPLE.start + 60)
    vectors_nd = np.eye(60, dtype=np.float32)
    templates = Walks(np.repeat(vectors_nd, TEMPLATES, axis=0), np.repeat(people, TEMPLATES))
    drawn = galleries(templates, CURVE, count=2)
    everybody_else = passing(drawn, Walks(vectors_nd, people), kind="checkpoint", target_fpir=0.01)
    came_s = everybody_else[1]
    enrolled = sum(len(np.unique(gallery.templates.person_n)) for gallery in drawn)
    assert came_s.sum() == len(drawn) * len(people) - enrolled
    assert everybody_else[0].sum() == 0  # they are at right angles to everybody

    # Everybody walks as the one before them in the list is enrolled.
    doubles = Walks(np.roll(vectors_nd, 1, axis=0), people)
    passed_s, came_s = passing(drawn, doubles, kind="checkpoint", target_fpir=0.01)
    expected = sum(
        person not in set(gallery.templates.person_n)
        and people[place - 1] in set(gallery.templates.person_n)
        for gallery in drawn
        for place, person in enumerate(people)
    )
    assert passed_s.sum() == expected > 0
