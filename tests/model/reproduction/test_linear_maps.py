"""Table 1: half of the maps made from the other half, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

from model.reproduction.linear_maps import (
    apply_kernel,
    fit_kernel,
    linear_maps_error,
    similar_pairs,
)

RNG = np.random.default_rng(7)
KERNEL = np.array([[0.0, 0.5, 0.0], [1.0, 2.0, -0.5], [0.0, 0.25, 0.0]])


def _noise(walks: int, *, height: int = 9, width: int = 7) -> np.ndarray:
    return RNG.random((walks, height, width)).astype(np.float32)


def _convolved(kept_nhw: np.ndarray, bias: float) -> np.ndarray:
    made = [correlate2d(kept_hw, KERNEL, mode="same") + bias for kept_hw in kept_nhw]
    return np.stack(made).astype(np.float32)


def test_a_map_that_a_3x3_convolution_made_is_made_again_exactly() -> None:
    kept_nhw = _noise(5)
    made_nhw = _convolved(kept_nhw, bias=1.0)
    kernel_k = fit_kernel(kept_nhw, made_nhw)
    np.testing.assert_allclose(kernel_k, [*KERNEL.ravel(), 1.0], atol=1e-4)
    other_nhw = _noise(2)
    np.testing.assert_allclose(
        apply_kernel(other_nhw, kernel_k), _convolved(other_nhw, bias=1.0), atol=1e-4
    )


def test_what_the_kernel_makes_is_never_negative_as_behind_a_relu() -> None:
    below_zero = apply_kernel(_noise(1), np.array([0.0] * 9 + [-1.0]))
    assert (below_zero == 0.0).all()


def test_the_error_is_the_mean_square_on_walks_the_kernel_has_not_seen() -> None:
    """The kept map is empty, so the kernel can only give the other's mean, which is 1."""
    fitting_nchw = np.zeros((2, 2, 3, 3), dtype=np.float32)
    fitting_nchw[:, 1] = 1.0
    judged_nchw = np.zeros((2, 2, 3, 3), dtype=np.float32)
    judged_nchw[0, 1], judged_nchw[1, 1] = 2.0, 4.0
    error = linear_maps_error(fitting_nchw, judged_nchw)
    assert error.mse == pytest.approx((1.0**2 + 3.0**2) / 2)
    assert error.unexplained == pytest.approx(5.0 / 1.0)  # the variance of 2 and 4 is 1


def test_maps_that_never_change_leave_no_variance_to_miss() -> None:
    flat_nchw = np.ones((2, 2, 3, 3), dtype=np.float32)
    error = linear_maps_error(flat_nchw, flat_nchw)
    assert error.mse == pytest.approx(0.0)
    assert np.isnan(error.unexplained)


def test_the_most_similar_maps_are_paired_first_and_the_lower_is_kept() -> None:
    base, other = _noise(4), _noise(4)
    maps_nchw = np.stack(
        [
            base,
            other,
            -base,  # the opposite is as good: a kernel may be negative
            other + 0.1 * _noise(4),
            np.zeros_like(base),
        ],
        axis=1,
    )
    assert similar_pairs(maps_nchw) == [(0, 2), (1, 3)]
