"""The paper's four tables with our figures, and one beside them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from model.bootstrap import Estimate
from model.datasets.casia_b_splits import PAPER_VIEWS_DEGREES
from model.network import GaitNetwork, multiply_adds
from model.network_config import Architecture, NetworkConfig
from model.reproduction import paper
from model.reproduction.courses import Course
from model.reproduction.feature_maps import FIRST_LAYERS
from model.reproduction.linear_maps import LinearMapsError
from model.reproduction.recognition import Recognition
from model.reproduction.report import NETWORK_NAMES, Measured, Row, Table
from model.reproduction.settings import ARCHITECTURES

_NAMES = tuple(NETWORK_NAMES[architecture] for architecture in ARCHITECTURES)
_CONDITIONS = {"nm": "NM, normal", "bg": "BG, with a bag", "cl": "CL, in a coat"}
_PER_CENT = "Per cent, with 95 % intervals over people, all of whom are known from training."
_BY_CLASSIFIER = (
    f"{_PER_CENT} One GEI per walk; the class with the highest score is the right person. What the"
    " paper counts as one trial is not known: 98.1 % is no share of its 248 walks per view."
)
_BY_NEIGHBOUR = (
    f"{_PER_CENT} The training walk, of any view, with the most similar pooled features is of the"
    " right person. Views: normal walks (nm-05, nm-06); conditions: mean of the views."
)


def linear_maps_table(errors: Mapping[str, LinearMapsError]) -> Table:
    """Table 1.

    Args:
        errors: of the first layers, in order.
    """
    return Table(
        title="Table 1: maps made by a linear operation against the original maps",
        note=(
            "Of the trained ResNet-50. Half of a layer's 64 maps are made from the other half, each"
            " by one 3×3 kernel, bias and ReLU: the least-squares fit on training walks, judged on"
            " other walks. MSE × 10⁻³ depends on the scale of a layer's values; the share of the"
            " maps' variance that is missed does not."
        ),
        columns=("MSE × 10⁻³", "variance missed, %"),
        rows=tuple(
            Row(
                FIRST_LAYERS[layer],
                (Measured(1000.0 * error.mse), _share(error.unexplained)),
                printed,
            )
            for (layer, error), printed in zip(errors.items(), paper.LINEAR_MAPS, strict=True)
        ),
    )


def recognition_tables(
    classifier: Mapping[Architecture, Recognition], neighbour: Mapping[Architecture, Recognition]
) -> tuple[Table, Table, Table]:
    """Tables 2 and 3, and both once more in another way of counting.

    Args:
        classifier: rates by each network's own output.
        neighbour: rates by each network's features.
    """
    by_view = Table(
        title="Table 2: recognition by view, normal walks (nm-05, nm-06)",
        note=_BY_CLASSIFIER,
        columns=_NAMES,
        rows=(*_view_rows(classifier), _condition_row(classifier, "nm", "mean of the views")),
    )
    by_condition = Table(
        title="Table 3: recognition with a bag and in a coat, mean of the views",
        note=_BY_CLASSIFIER,
        columns=_NAMES,
        rows=tuple(_condition_row(classifier, one) for one in paper.RECOGNITION_BY_CONDITION),
    )
    once_more = Table(
        title="Tables 2 and 3 by the nearest training walk",
        note=_BY_NEIGHBOUR,
        columns=_NAMES,
        rows=(
            *_view_rows(neighbour),
            *(_condition_row(neighbour, condition) for condition in _CONDITIONS),
        ),
    )
    return by_view, by_condition, once_more


def _view_rows(found: Mapping[Architecture, Recognition]) -> tuple[Row, ...]:
    return tuple(
        Row(
            f"{view}°",
            tuple(_percent(found[one].by_view.get(float(view))) for one in ARCHITECTURES),
            paper.RECOGNITION_BY_VIEW[view],
        )
        for view in PAPER_VIEWS_DEGREES
    )


def _condition_row(
    found: Mapping[Architecture, Recognition], condition: str, name: str | None = None
) -> Row:
    return Row(
        name or _CONDITIONS[condition],
        tuple(_percent(found[one].by_condition[condition]) for one in ARCHITECTURES),
        paper.RECOGNITION_BY_CONDITION.get(condition, paper.EMPTY),
    )


def cost_table(courses: Mapping[Architecture, Course]) -> Table:
    """Table 4, and the training time of the paper's text."""
    counted = [_counted_as_in_the_paper(architecture) for architecture in ARCHITECTURES]
    # Counting runs on the CPU; training may have been elsewhere.
    trained = [GaitNetwork(courses[architecture].network.config) for architecture in ARCHITECTURES]
    config = trained[0].config
    seconds = [courses[architecture].seconds_per_step for architecture in ARCHITECTURES]
    own_shape = f"{config.channels}×{config.height}×{config.width}, {config.classes} classes"
    return Table(
        title="Table 4: weights, multiply-adds and training time",
        note=(
            "Counted, not estimated; multiply-adds of convolutions and linear layers for one image."
            " The light network has lightweight modules everywhere but in the 7×7 stem; its trunk"
            " has 11.9 M weights, and 1000 classes add 2.0 M. Time: median of all batches of this"
            " run and, in brackets, the middle half of them; the two networks trained in turns on"
            " the same batches. Only an idle machine gives a ratio that means something."
        ),
        columns=_NAMES,
        rows=(
            _numbers("weights, 10⁶, at 3×224×224, 1000 classes", _weights(counted), paper.WEIGHTS),
            _numbers("the same as trained here", _weights(trained)),
            _numbers(
                "multiply-adds, 10⁹, at 3×224×224, 1000 classes",
                _multiply_adds(counted),
                paper.MULTIPLY_ADDS,
            ),
            _numbers(f"the same as trained here, {own_shape}", _multiply_adds(trained), decimals=3),
            Row(
                "training, seconds per batch",
                tuple(Measured(middle, low, high) for low, middle, high in seconds),
                decimals=3,
            ),
            _numbers(
                "training time, ResNet-50 = 1",
                [middle / seconds[0][1] for _, middle, _ in seconds],
                paper.TRAINING_TIME,
            ),
        ),
    )


def cross_view_table(rates: Mapping[str, Mapping[str, Estimate]], people: int) -> Table:
    """Beside the paper: people whom the networks never saw.

    Args:
        rates: by method, by condition.
        people: tested.
    """
    return Table(
        title="Beside the paper: people never seen in training, across views (74/50)",
        note=(
            f"Rank-1 in per cent, with 95 % intervals over people, of {people} people; the networks"
            " were trained on the others. Gallery: nm-01 … 04 of one view at a time; the identical"
            " view is left out. The recipe is the paper's, made for a classifier."
        ),
        columns=tuple(rates),
        rows=tuple(
            Row(name, tuple(_percent(method[condition]) for method in rates.values()))
            for condition, name in _CONDITIONS.items()
        ),
    )


def _percent(estimate: Estimate | None) -> Measured | None:
    if estimate is None or estimate.comparisons == 0:
        return None
    return Measured.percent(estimate)


def _share(share: float) -> Measured | None:
    return None if isnan(share) else Measured(100.0 * share)


def _numbers(
    name: str, values: list[float], printed: str = paper.EMPTY, *, decimals: int = 2
) -> Row:
    return Row(name, tuple(Measured(value) for value in values), printed, decimals)


def _counted_as_in_the_paper(architecture: Architecture) -> GaitNetwork:
    return GaitNetwork(
        NetworkConfig(
            architecture=architecture,
            channels=3,
            height=224,
            width=224,
            embedding_size=None,
            classes=1000,
        )
    )


def _weights(networks: list[GaitNetwork]) -> list[float]:
    return [sum(one.numel() for one in network.parameters()) / 1e6 for network in networks]


def _multiply_adds(networks: list[GaitNetwork]) -> list[float]:
    return [multiply_adds(network) / 1e9 for network in networks]
