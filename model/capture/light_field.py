"""Light that changes over the picture: measured frame by frame, and taken back.

A camera that sets its own exposure and darkens its corners by another curve, a lamp beside the way,
a cloud: the scene grows brighter on one side and not on the other. One factor per frame leaves that
in, as noise that hides pale clothes before a pale wall. The logarithm of the light is fitted by a
polynomial over the picture, with robust weights, so that the walker has no say.

Shape letters: T frames, H rows, W columns, C colour channels, P pixels, K terms.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background
from model.capture.medians import median
from model.capture.small_frames import SmallFrames

_DEGREE = 3
_COMPARED_PIXELS = 1500
"""Of a frame, by which its light is told."""
_ITERATIONS = 6
_WALKER = 2.0
"""Spreads from the fit at which a pixel has a quarter of a say."""
_LEAST_SPREAD = 0.01
"""Of the logarithm of the light: one grey level in a hundred."""
_PULL = 0.003
"""Of the terms towards none: where a walker hides a corner, its light stays as elsewhere."""
_QUIETER = 0.8
"""Of the noise: light that leaves more of it when taken back is even enough. Measured on real
clips: 0.58 to 0.71 indoors, 0.90 to 1.03 outdoors."""
_LOOKS = 12
"""Frames that tell whether there is anything to measure."""
_DARKEST, _BRIGHTEST = 16, 245
"""Grey levels between which light shows."""
_FEWEST_PIXELS = 200
_GRID = 32
"""Rows and columns at which the light is drawn before it is enlarged to a frame."""


def uneven_light(frames: SmallFrames, background: Background) -> NDArray[np.float64] | None:
    """How the light lies in each frame, compared with the empty scene.

    Args:
        frames: small.
        background: the empty scene, of that size.

    Returns:
        (T, K) coefficients of the logarithm of the light; None where it changes evenly, so that a
        factor per frame says enough.
    """
    scene = _LitScene(background)
    if scene.level_p.size < _FEWEST_PIXELS:
        return None
    stride = max(1, len(frames) // _LOOKS)
    evenly, fitted = [], []
    for number in range(0, len(frames), stride):
        light_p = scene.light(frames[number])
        evenly.append(_stray(light_p - np.median(light_p)))
        fitted.append(_stray(light_p - scene.terms_pk @ scene.fit(light_p)))
    if np.median(fitted) > _QUIETER * np.median(evenly):
        return None
    return np.stack([scene.fit(scene.light(frame_hwc)) for frame_hwc in frames])


def even_out(frames_thwc: NDArray[np.uint8], light_tk: NDArray[np.float64]) -> None:
    """Takes the light's differences over the picture back, in place; each frame's exposure stays.

    Args:
        frames_thwc: uint8 (T, H, W, C), of any size.
        light_tk: of `uneven_light`.
    """
    _, height, width, channels = frames_thwc.shape
    terms_hwk = _terms(_GRID, _GRID)
    for frame_hwc, light_k in zip(frames_thwc, light_tk, strict=True):
        light_hw = terms_hwk @ light_k
        factor_hw = np.exp(np.median(light_hw) - light_hw).astype(np.float32)
        full_hw = cv2.resize(factor_hw, (width, height), interpolation=cv2.INTER_LINEAR)
        full_hwc = cv2.merge([full_hw] * channels)
        evened = cv2.multiply(frame_hwc, full_hwc, dtype=cv2.CV_8U)
        frame_hwc[:] = evened.reshape(frame_hwc.shape)


class _LitScene:
    """The pixels of the empty scene that show how much light there is.

    Attributes:
        level_p: grey levels of the scene.
        terms_pk: of the polynomial, at each pixel.
    """

    def __init__(self, background: Background) -> None:
        height, width = background.noise_hw.shape
        step = max(1, int(np.sqrt(height * width / _COMPARED_PIXELS)))
        self._some = (slice(step // 2, None, step), slice(step // 2, None, step))
        level_hw = background.level_hwc[self._some].mean(axis=2)
        self._shows_hw = (level_hw > _DARKEST) & (level_hw < _BRIGHTEST)
        self.level_p = level_hw[self._shows_hw]
        self.terms_pk = _terms(height, width, first=step // 2, step=step)[self._shows_hw]

    def light(self, frame_hwc: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Logarithm of the light on each pixel, the scene's own being 0, (P,)."""
        seen_p = frame_hwc[self._some].mean(axis=2)[self._shows_hw]
        return np.asarray(np.log((seen_p + 1.0) / (self.level_p + 1.0)), dtype=np.float64)

    def fit(self, light_p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients of the polynomial, (K,), by iteratively reweighted least squares."""
        found_k = np.zeros(self.terms_pk.shape[1])
        found_k[0] = np.median(light_p)
        pull_kk = _PULL * light_p.size * np.eye(found_k.size)
        pull_kk[0, 0] = 0.0
        for _ in range(_ITERATIONS):
            strayed_p = light_p - self.terms_pk @ found_k
            spread = max(1.4826 * _stray(strayed_p), _LEAST_SPREAD)
            weight_p = 1.0 / np.square(1.0 + np.square(strayed_p / (_WALKER * spread)))
            weighted_kp = self.terms_pk.T * weight_p
            found_k = np.linalg.solve(weighted_kp @ self.terms_pk + pull_kk, weighted_kp @ light_p)
        return found_k


def _stray(residual_p: NDArray[np.float64]) -> float:
    return median(np.abs(residual_p))


def _terms(height: int, width: int, first: int = 0, step: int = 1) -> NDArray[np.float64]:
    """Powers of the place, which runs from -1 to 1, the constant first, (H, W, K).

    Args:
        height: of the picture, in pixels.
        width: likewise.
        first: row and column with which to begin.
        step: pixels from one row or column to the next.
    """
    y_h1 = ((np.arange(first, height, step) + 0.5) / height * 2 - 1)[:, None]
    x_w = (np.arange(first, width, step) + 0.5) / width * 2 - 1
    powers = [
        (across, total - across) for total in range(_DEGREE + 1) for across in range(total + 1)
    ]
    return np.stack(
        [np.broadcast_to(x_w**i * y_h1**j, (y_h1.size, x_w.size)) for i, j in powers], -1
    )
