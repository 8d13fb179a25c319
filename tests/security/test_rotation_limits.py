"""What template protection does not give, shown: docs/template-protection.md rests on these."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.registry.rotation import Rotation
from tests.enrolling import unit_vector

D = 64


def recovered(plain_kd: NDArray[np.float32], turned_kd: NDArray[np.float32]) -> NDArray[np.float64]:
    """(D, D) the orthogonal matrix that fits the pairs best (Schönemann 1966)."""
    u_dd, _, v_dd = np.linalg.svd(turned_kd.T.astype(np.float64) @ plain_kd)
    matrix_dd: NDArray[np.float64] = u_dd @ v_dd
    return matrix_dd


def vectors(first: int, number: int) -> NDArray[np.float32]:
    """(number, D) unit vectors."""
    return np.stack([unit_vector(seed, D) for seed in range(first, first + number)])


def test_as_many_known_walks_as_dimensions_give_the_rotation_away() -> None:
    rotation = Rotation.fresh()
    known_kd, others_nd = vectors(0, D), vectors(1000, 50)
    matrix_dd = recovered(known_kd, rotation.turned(known_kd))
    opened_nd = rotation.turned(others_nd) @ matrix_dd
    assert (opened_nd * others_nd).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-4)


def test_half_as_many_give_half_of_it_away() -> None:
    """They show the part of a vector that lies among them: enough to recognise its person."""
    rotation = Rotation.fresh()
    known_kd, others_nd = vectors(0, D // 2), vectors(1000, 200)
    matrix_dd = recovered(known_kd, rotation.turned(known_kd))
    cosines_n = (rotation.turned(others_nd) @ matrix_dd * others_nd).sum(axis=1)
    assert 0.3 < cosines_n.mean() < 0.7


def test_a_dozen_known_walks_give_little_away() -> None:
    rotation = Rotation.fresh()
    known_kd, others_nd = vectors(0, 6), vectors(1000, 200)
    matrix_dd = recovered(known_kd, rotation.turned(known_kd))
    cosines_n = (rotation.turned(others_nd) @ matrix_dd * others_nd).sum(axis=1)
    assert abs(cosines_n.mean()) < 0.3


def test_who_is_alike_within_a_gallery_stays_visible() -> None:
    """Without any secret: which templates are one person's, how many people, who resembles whom."""
    plain_nd = vectors(0, 30)
    turned_nd = Rotation.fresh().turned(plain_nd)
    assert np.abs(turned_nd @ turned_nd.T - plain_nd @ plain_nd.T).max() < 1e-6


def test_who_has_the_secret_has_the_vectors() -> None:
    """It is a key, not a one-way function: nothing here is irreversible."""
    rotation = Rotation.fresh()
    plain_nd = vectors(0, 30)
    assert np.abs(rotation.turned_back(rotation.turned(plain_nd)) - plain_nd).max() < 1e-6
