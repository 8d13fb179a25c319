"""A secret becomes one and the same orthogonal matrix everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from app.registry.rotation import PLAIN, Rotation
from app.registry.rotation.matrix import rotation_matrix
from tests.enrolling import unit_vector

SECRET = bytes(range(32))


def test_the_matrix_of_a_secret_never_changes() -> None:
    """These numbers must hold for ever: templates are stored under them."""
    expected_dd = [
        [0.9816955666449774, 0.0825403229565792, -0.1716418058510807],
        [0.1511793472504987, 0.2104215567696548, 0.9658506993379193],
        [-0.115838764645129, 0.9741200457504497, -0.1940915172608836],
    ]
    assert rotation_matrix(SECRET, 3) == pytest.approx(np.array(expected_dd), abs=1e-12)
    some = rotation_matrix(SECRET, 256)[[0, 100, 255], [0, 7, 255]]
    expected = [-0.061505032766282275, 0.021184432624685407, -0.00024138640496251806]
    assert some == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 15, 256])
def test_it_is_orthogonal(size: int) -> None:
    matrix_dd = rotation_matrix(SECRET, size)
    assert np.abs(matrix_dd @ matrix_dd.T - np.eye(size)).max() < 1e-13


def test_secrets_and_sizes_have_matrices_of_their_own() -> None:
    ours_dd, theirs_dd = rotation_matrix(SECRET, 64), rotation_matrix(SECRET[::-1], 64)
    larger_dd = rotation_matrix(SECRET, 65)
    for other_dd in (theirs_dd, larger_dd[:64, :64]):
        assert np.abs(np.diag(ours_dd @ other_dd.T)).mean() < 0.3


def test_no_direction_is_preferred() -> None:
    """Of a uniform orthogonal matrix, entries have mean 0 and variance 1/D, on the diagonal too."""
    size = 8
    matrices_ndd = np.stack(
        [rotation_matrix(number.to_bytes(32, "little"), size) for number in range(2000)]
    )
    assert np.abs(matrices_ndd.mean(axis=0)).max() < 0.04
    assert (matrices_ndd**2).mean(axis=0) == pytest.approx(
        np.full((size, size), 1 / size), abs=0.02
    )


def test_turning_there_and_back_changes_nothing_that_is_seen() -> None:
    vectors_nd = np.stack([unit_vector(seed, 256) for seed in range(50)])
    rotation = Rotation(SECRET)
    turned_nd = rotation.turned(vectors_nd)
    assert np.abs(turned_nd @ turned_nd.T - vectors_nd @ vectors_nd.T).max() < 1e-6
    assert np.abs(rotation.turned_back(turned_nd) - vectors_nd).max() < 1e-7
    assert rotation.turned_back_bytes(rotation.turned_bytes(b"")) == b""


def test_a_plain_gallery_leaves_vectors_as_they_are() -> None:
    vector_d = unit_vector(1)
    assert PLAIN.turned(vector_d) is vector_d
    assert PLAIN.turned_back_bytes(vector_d.tobytes()) == vector_d.tobytes()


def test_a_rotation_does_not_show_its_secret() -> None:
    assert repr(SECRET)[2:8] not in repr(Rotation(SECRET))
    assert repr(Rotation(SECRET)) == "Rotation()"
