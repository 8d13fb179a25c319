"""Scores between all pairs of walks."""

from __future__ import annotations

import numpy as np

from model.scores import cosine_scores, euclidean_scores


def test_scores_are_cosines_and_negative_distances() -> None:
    vectors_nd = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(cosine_scores(vectors_nd)[0], [1.0, 0.0, np.sqrt(0.5)], atol=1e-6)
    np.testing.assert_allclose(
        euclidean_scores(vectors_nd)[0], [0.0, -5.0, -np.sqrt(5.0)], atol=1e-6
    )


def test_a_zero_vector_scores_zero_and_not_nan() -> None:
    scores_nn = cosine_scores(np.array([[0.0, 0.0], [1.0, 0.0]], dtype=np.float32))
    np.testing.assert_array_equal(scores_nn, [[0.0, 0.0], [0.0, 1.0]])
