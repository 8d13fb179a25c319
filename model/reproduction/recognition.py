"""How well a trained network recognises: the paper's closed set, and people it never saw.

Shape letters: N walks, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from model.bootstrap import Estimate
from model.datasets.casia_b_splits import Labels
from model.network import GaitNetwork
from model.protocols import CASIA_B_CONDITIONS, Cell, casia_b_cells, paper_cells
from model.ranking import classify, identify
from model.scores import Scores, cosine_scores

AT_ONCE = 128  # GEIs in a forward pass: bounds its memory


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gives for some walks.

    Attributes:
        features_nf: float32 (N, F), the pooled trunk at unit length.
        logits_nk: float32 (N, K).
    """

    features_nf: NDArray[np.float32]
    logits_nk: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recognition:
    """Rates of one way to recognise.

    Attributes:
        by_view: nm-05 and nm-06 of each of the seven views.
        by_condition: "nm", "bg" and "cl", each the mean over the views.
    """

    by_view: dict[float, Estimate]
    by_condition: dict[str, Estimate]


def outputs_of(network: GaitNetwork, geis_nhw: NDArray[np.uint8], *, device: str) -> Outputs:
    """Runs a plain classifier, in evaluation mode, over some GEIs."""
    features, logits = [], []
    with torch.inference_mode():
        for first in range(0, len(geis_nhw), AT_ONCE):
            images_nhw = geis_nhw[first : first + AT_ONCE].astype(np.float32) / np.float32(255.0)
            images_nchw = torch.from_numpy(images_nhw)[:, None].to(device)
            output = network(images_nchw.contiguous(memory_format=torch.channels_last))
            features.append(output.embedding_nd.float().cpu().numpy())
            logits.append(output.logits_nk.float().cpu().numpy())
    return Outputs(np.concatenate(features), np.concatenate(logits))


def by_classifier(
    logits_nk: NDArray[np.float32], walks: Labels, classes: Sequence[str]
) -> Recognition:
    """The paper's closed set: the right person has the classifier's highest score.

    Args:
        logits_nk: (N, K) of these walks.
        walks: the tested ones, and others.
        classes: the K people of the classifier, in its order.
    """
    class_of = {name: number for number, name in enumerate(classes)}
    class_n = np.array([class_of.get(name, len(classes)) for name in walks.subject_n.tolist()])
    # People without a walk to train on cannot be recognised: their class never scores.
    padded_nk = np.pad(logits_nk, ((0, 0), (0, 1)), constant_values=-np.inf)

    def rate(cells: Sequence[Cell]) -> Estimate:
        return classify(padded_nk, class_n, [cell.probe_n for cell in cells]).rank(1).estimate()

    return _closed_set(rate, walks)


def by_nearest_neighbour(features_nf: NDArray[np.float32], walks: Labels) -> Recognition:
    """The paper's closed set: the most similar training walk, of any view, is the right person's.

    Args:
        features_nf: (N, F) of these walks.
        walks: the tested ones and those trained on.
    """
    scores_nn = cosine_scores(features_nf)

    def rate(cells: Sequence[Cell]) -> Estimate:
        return identify(scores_nn, walks.subject_n, cells).rank(1).estimate()

    return _closed_set(rate, walks)


def _closed_set(rate: Callable[[Sequence[Cell]], Estimate], walks: Labels) -> Recognition:
    by_view: dict[float, Estimate] = {}
    by_condition: dict[str, Estimate] = {}
    for condition in CASIA_B_CONDITIONS:
        cells, views = paper_cells(walks.condition_n, walks.walk_n, walks.view_n, condition)
        by_condition[condition] = rate(cells)
        if condition == "nm":
            by_view = {view: rate([cell]) for view, cell in zip(views, cells, strict=True)}
    return Recognition(by_view, by_condition)


def cross_view_recognition(scores_nn: Scores, walks: Labels) -> dict[str, Estimate]:
    """Rank-1 of each condition: one gallery view at a time, the identical view left out."""
    rates = {}
    for condition in CASIA_B_CONDITIONS:
        cells, _ = casia_b_cells(walks.condition_n, walks.walk_n, walks.view_n, condition)
        rates[condition] = identify(scores_nn, walks.subject_n, cells).rank(1).estimate()
    return rates
