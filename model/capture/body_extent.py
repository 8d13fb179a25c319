"""From crown to sole: the boxes of a path, made whole where a part of the body was not seen.

Dark trousers look like shade for some steps, a pale coat like the grass: the piece that is followed
is then a head, or a coat without legs. Somebody's height does not change from one step to the next,
though, and where head and soles are now and then is where they are in between.

Shape letters: T frames of the recording, N frames of a path, H rows, W columns, K terms.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.binary import majority
from model.capture.paths import Path
from model.capture.stretch import Scene, touches_side

_BESIDE = 0.3
"""Heights on either side of the middle within which something moving is a part of the body: a
stride is 0.8 of them long."""
_REACH = 0.8
"""Of the height known so far, within which more of the body is looked for above and below..."""
_ROUNDS = 3
"""...so that from a head the coat is found, and from the coat the feet."""
_OFTEN = 0.15
"""Share of the frames in which crown and soles are seen, at the least."""
_SHORT = 0.08
"""Of the height: a box that lacks more than this is made whole. The crown goes up and down by 0.02
of it, and the lower one of the feet by as much."""
_BEND_SECONDS = 4.0
"""Over which crown and soles move straight through the picture, nearly."""
_MOST_BENDS = 3
_ITERATIONS = 30
_UNEVEN = 0.1
"""Of the height: by how much it may stray from a steady growth, if what was found is the body.
Under a tree the leaves that move above a walker would make a giant, and only for some steps."""
_STEADY = 0.045
"""Of the height: a standard deviation about steady growth that a whole body keeps within. If the
boxes made whole stray further, then what was added is not always there."""
_KEPT, _STRIDING, _OTHER = 0.1, 0.15, 1.13
"""Who keeps a height within the first (standard deviations, as shares) while the width changes by
the second, step by step, is a whole walker. If one would grow by more than the third, then by
somebody or something else that moves above or below."""


def whole_body(path: Path, masks_thw: NDArray[np.uint8], scene: Scene) -> Path:
    """The path with boxes that reach from crown to sole.

    If its frames do not agree on a body, those in which the side of the picture hides a part of the
    walker are left out, and keep their boxes: the head goes out of the picture before the feet do.

    Args:
        path: where a person is, or the part of one that was followed.
        masks_thw: (T, H, W) 1 where somebody is.
        scene: what the path lies in.
    """
    inside_n = ~touches_side(path, scene)
    for witness_n in (np.ones_like(inside_n), inside_n):
        chosen = Path(path.frames_n[witness_n], path.boxes_n4[witness_n], path.seen_n[witness_n])
        found_n4 = _made_whole(chosen, masks_thw, scene.frames_per_second)
        if found_n4 is not None:
            boxes_n4 = path.boxes_n4.copy()
            boxes_n4[witness_n] = found_n4
            return replace(path, boxes_n4=boxes_n4)
    return path


def _made_whole(
    path: Path, masks_thw: NDArray[np.uint8], frames_per_second: float
) -> NDArray[np.float64] | None:
    """The boxes from crown to sole, (N, 4); None if they would not be those of one body.

    Frames may be missing in the path.
    """
    seen = np.flatnonzero(path.seen_n)
    if seen.size < 2 + _MOST_BENDS:
        return None
    seconds = (path.last + 1 - path.first) / frames_per_second
    bends = int(np.clip(np.ceil(seconds / _BEND_SECONDS), 1, _MOST_BENDS))
    place_n = np.interp(path.frames_n, (path.first, path.last), (-1.0, 1.0))
    terms_nk = np.asarray(np.polynomial.legendre.legvander(place_n, bends), dtype=np.float64)
    boxes_n4 = path.boxes_n4
    for _ in range(_ROUNDS):
        wider_n4 = boxes_n4.copy()
        height = float(np.percentile(boxes_n4[:, 3] - boxes_n4[:, 1], 100 * (1 - _OFTEN)))
        for number in seen:
            wider_n4[number] = _with_more(
                masks_thw[path.frames_n[number]], boxes_n4[number], height
            )
        top_n = terms_nk @ _edge(terms_nk[seen], wider_n4[seen, 1], _OFTEN)
        bottom_n = terms_nk @ _edge(terms_nk[seen], wider_n4[seen, 3], 1.0 - _OFTEN)
        if not _grows_steadily(place_n, bottom_n - top_n):
            return None
        grown_n4 = _completed(path.boxes_n4, wider_n4, top_n, bottom_n)
        settled = np.abs(grown_n4 - boxes_n4).max() < 1.0
        boxes_n4 = grown_n4
        if settled:
            break
    if not _is_one_body(place_n, boxes_n4) or _is_another(path.boxes_n4[seen], boxes_n4[seen]):
        return None
    return boxes_n4


def _is_one_body(place_n: NDArray[np.float64], boxes_n4: NDArray[np.float64]) -> bool:
    """Whether the boxes keep the height of somebody who stays as near, comes or goes."""
    return float(_astray(place_n, boxes_n4[:, 3] - boxes_n4[:, 1]).std()) <= _STEADY


def _is_another(boxes_n4: NDArray[np.float64], grown_n4: NDArray[np.float64]) -> bool:
    """Whether what would be added is not a part of this body, which was whole before."""
    width_n, height_n = (boxes_n4[:, 2:] - boxes_n4[:, :2]).T
    whole = bool(
        height_n.std() < _KEPT * height_n.mean() and width_n.std() > _STRIDING * width_n.mean()
    )
    growth = np.median(grown_n4[:, 3] - grown_n4[:, 1]) / np.median(height_n)
    return whole and bool(growth > _OTHER)


def _grows_steadily(place_n: NDArray[np.float64], height_n: NDArray[np.float64]) -> bool:
    """Whether a height changes as that of somebody who comes nearer, or goes away."""
    return float(np.abs(_astray(place_n, height_n)).max()) <= _UNEVEN


def _astray(place_n: NDArray[np.float64], height_n: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much of the mean height each height lies off steady growth."""
    steady_n = np.polyval(np.polyfit(place_n, height_n, 1), place_n)
    off_n: NDArray[np.float64] = (height_n - steady_n) / height_n.mean()
    return off_n


def _completed(
    boxes_n4: NDArray[np.float64],
    wider_n4: NDArray[np.float64],
    top_n: NDArray[np.float64],
    bottom_n: NDArray[np.float64],
) -> NDArray[np.float64]:
    short_n = _SHORT * np.maximum(bottom_n - top_n, 1.0)
    lacks_n = (boxes_n4[:, 1] > top_n + short_n) | (boxes_n4[:, 3] < bottom_n - short_n)
    whole_n4 = boxes_n4.copy()
    whole_n4[lacks_n, 0] = wider_n4[lacks_n, 0]
    whole_n4[lacks_n, 1] = np.minimum(boxes_n4[lacks_n, 1], top_n[lacks_n])
    whole_n4[lacks_n, 2] = wider_n4[lacks_n, 2]
    whole_n4[lacks_n, 3] = np.maximum(boxes_n4[lacks_n, 3], bottom_n[lacks_n])
    return whole_n4


def _with_more(
    mask_hw: NDArray[np.uint8], box_4: NDArray[np.float64], height: float
) -> NDArray[np.float64]:
    """The box, and whatever moves above and below it."""
    middle = (box_4[0] + box_4[2]) / 2
    left = max(0, int(min(box_4[0], middle - _BESIDE * height)))
    right = int(np.ceil(max(box_4[2], middle + _BESIDE * height)))
    top = max(0, int(box_4[1] - _REACH * height))
    bottom = int(np.ceil(box_4[3] + _REACH * height))
    x, y, wide, high = cv2.boundingRect(majority(mask_hw[top:bottom, left:right], 3))
    if not wide:
        return box_4
    return np.array(
        [
            min(box_4[0], left + x),
            min(box_4[1], top + y),
            max(box_4[2], left + x + wide),
            max(box_4[3], top + y + high),
        ]
    )


def _edge(
    terms_nk: NDArray[np.float64], values_n: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Coefficients (K,) of the curve that a share of the values lies below (quantile regression,
    by weighted least squares; Koenker and Bassett 1978)."""
    found_k = np.zeros(terms_nk.shape[1])
    found_k[0] = np.quantile(values_n, share)
    pull_kk = 1e-3 * np.diag(np.arange(found_k.size))
    for _ in range(_ITERATIONS):
        over_n = values_n - terms_nk @ found_k
        weight_n = np.where(over_n > 0, share, 1.0 - share) / np.maximum(np.abs(over_n), 0.5)
        weighted_kn = terms_nk.T * weight_n
        found_k[:] = np.linalg.solve(weighted_kn @ terms_nk + pull_kk, weighted_kn @ values_n)
    return found_k
