"""One reproduction from walks to report.

Shape letter: N walks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from model.baselines import pixels
from model.network_config import Architecture
from model.paper_recipe import PAPER_PEOPLE, paper_recipe
from model.reproduction.courses import CONVERGED_SHARE, SMOOTHED_STEPS, Course, train_in_turns
from model.reproduction.feature_maps import FIRST_LAYERS, feature_maps
from model.reproduction.figures import MapsPanel, draw_feature_maps, draw_loss_curves
from model.reproduction.linear_maps import LinearMapsError, linear_maps_error
from model.reproduction.page import html_page
from model.reproduction.paper import CONVERGED_BATCHES, INPUT
from model.reproduction.recognition import (
    by_classifier,
    by_nearest_neighbour,
    cross_view_recognition,
    outputs_of,
)
from model.reproduction.report import NETWORK_NAMES, Figure, Label, ReproductionReport, Table
from model.reproduction.settings import ReproductionSettings
from model.reproduction.spreadsheets import losses_csv, tables_csv
from model.reproduction.tables import (
    cost_table,
    cross_view_table,
    linear_maps_table,
    recognition_tables,
)
from model.reproduction.walks import PaperWalks, generated_gei, paper_walks
from model.scores import cosine_scores, euclidean_scores

COMPARED_WALKS = 96  # whose maps table 1 is fitted on, and as many that it is judged on
_FIGURE_2_LAYERS: dict[str, dict[Architecture, str]] = {
    "stem": {"resnet50": "7×7 convolution", "l-resnet50": "7×7 convolution"},
    "stages.0.0.reduce": {
        "resnet50": "1×1 convolution, block 1",
        "l-resnet50": "1×1 light module, block 1",
    },
}
PAGE_FILE, JSON_FILE = "report.html", "report.json"
TABLES_FILE, LOSSES_FILE = "tables.csv", "losses.csv"


def reproduce(
    settings: ReproductionSettings, *, console: Console | None = None
) -> ReproductionReport:
    """Trains both networks, fills the tables, draws the figures, writes everything to
    `settings.out`.

    Killed and called again with equal settings it goes on where it stood.

    Args:
        settings: what to do.
        console: where progress is drawn; None draws none.

    Raises:
        NotCasiaB: the folder holds no copy.
        TooLittleToReproduce: the data set lacks walks to train on or to test.
        ValueError: the folder holds trainings by other settings.
    """
    data = paper_walks(settings, console=console)
    trained = data.walks.select(data.closed.trained_n)
    recipes = settings.recipes(trained.subjects)
    courses = train_in_turns(
        recipes, trained, settings.out, device=settings.device, console=console
    )
    label = _label(settings, data)
    tables = [
        linear_maps_table(_linear_maps(courses["resnet50"], data, settings)),
        *_recognition_tables(courses, data, settings),
        cost_table(courses),
    ]
    if settings.cross_view:
        tables.append(_cross_view_table(data, settings, console))
    report = ReproductionReport(
        label=label,
        tables=tuple(tables),
        figures=_figures(courses, settings, label),
        remarks=(_convergence(courses),),
        losses={
            NETWORK_NAMES[architecture]: tuple(map(float, course.cross_entropy_s))
            for architecture, course in courses.items()
        },
    )
    (settings.out / JSON_FILE).write_text(
        json.dumps(report.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    (settings.out / PAGE_FILE).write_text(html_page(report, settings.out), encoding="utf-8")
    (settings.out / TABLES_FILE).write_text(tables_csv(report), encoding="utf-8")
    (settings.out / LOSSES_FILE).write_text(losses_csv(report), encoding="utf-8")
    return report


def _label(settings: ReproductionSettings, data: PaperWalks) -> Label:
    trained = data.walks.select(data.closed.trained_n)
    recipe = settings.recipes(trained.subjects)["l-resnet50"]
    size = f"{settings.height}×{settings.width}"
    reduced = []
    if settings.casia_b is None:
        reduced.append("generated walkers instead of CASIA-B: nobody here ever lived")
    if trained.subjects != PAPER_PEOPLE:
        reduced.append(f"{trained.subjects} people instead of {PAPER_PEOPLE}")
    if size != INPUT:
        reduced.append(f"input {size} instead of {INPUT}")
    whole = paper_recipe()
    if recipe.steps != whole.steps:
        reduced.append(f"{recipe.steps} batches where the recipe has {whole.steps}")
    if recipe.subjects_per_batch != whole.subjects_per_batch:
        reduced.append(
            f"batches of {recipe.subjects_per_batch} where the recipe has"
            f" {whole.subjects_per_batch}"
        )
    reduced.append("what the paper does not state was chosen: docs/paper-recipe.md")
    return Label(
        dataset=data.dataset,
        people=trained.subjects,
        trained_walks=len(trained),
        tested_walks=int(data.closed.tested_n.sum()),
        input_size=size,
        steps=recipe.steps,
        batch=recipe.subjects_per_batch * recipe.walks_per_subject,
        seed=recipe.seed,
        device=settings.device,
        date=datetime.now(UTC).date().isoformat(),
        fingerprint=data.walks.fingerprint,
        torch=torch.__version__,
        reduced=tuple(reduced),
    )


def _linear_maps(
    course: Course, data: PaperWalks, settings: ReproductionSettings
) -> dict[str, LinearMapsError]:
    rng = np.random.default_rng(settings.seed)

    def maps_of(chosen_n: NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
        indices = np.flatnonzero(chosen_n)
        some = rng.choice(indices, min(COMPARED_WALKS, len(indices)), replace=False)
        geis_nhw = data.walks.geis_nhw[some]
        return feature_maps(course.network, tuple(FIRST_LAYERS), geis_nhw, device=settings.device)

    fitting, judged = maps_of(data.closed.trained_n), maps_of(data.closed.tested_n)
    return {layer: linear_maps_error(fitting[layer], judged[layer]) for layer in FIRST_LAYERS}


def _recognition_tables(
    courses: Mapping[Architecture, Course], data: PaperWalks, settings: ReproductionSettings
) -> tuple[Table, Table, Table]:
    walks = data.walks.select(data.closed.trained_n | data.closed.tested_n)
    classes = np.unique(data.walks.subject_n[data.closed.trained_n]).tolist()
    classifier, neighbour = {}, {}
    for architecture, course in courses.items():
        outputs = outputs_of(course.network, walks.geis_nhw, device=settings.device)
        classifier[architecture] = by_classifier(outputs.logits_nk, walks, classes)
        neighbour[architecture] = by_nearest_neighbour(outputs.features_nf, walks)
    return recognition_tables(classifier, neighbour)


def _cross_view_table(
    data: PaperWalks, settings: ReproductionSettings, console: Console | None
) -> Table:
    """Both networks once more, trained on some people and tested on the others."""
    trained = data.walks.select(data.across_views.trained_n)
    tested = data.walks.select(data.across_views.tested_n)
    courses = train_in_turns(
        settings.recipes(trained.subjects),
        trained,
        settings.out / "cross-view",
        device=settings.device,
        console=console,
    )
    rates = {
        NETWORK_NAMES[architecture]: cross_view_recognition(
            cosine_scores(
                outputs_of(course.network, tested.geis_nhw, device=settings.device).features_nf
            ),
            tested,
        )
        for architecture, course in courses.items()
    }
    rates["raw GEI"] = cross_view_recognition(euclidean_scores(pixels(tested.geis_nhw)), tested)
    return cross_view_table(rates, tested.subjects)


def _figures(
    courses: Mapping[Architecture, Course], settings: ReproductionSettings, label: Label
) -> tuple[Figure, ...]:
    gei_hw = generated_gei(settings.gei)
    panels = []
    for layer, name_of in _FIGURE_2_LAYERS.items():
        for architecture, name in name_of.items():
            maps_nchw = feature_maps(
                courses[architecture].network, (layer,), gei_hw[None], device=settings.device
            )[layer]
            channels = maps_nchw.shape[1]
            is_light = architecture == "l-resnet50" and layer != "stem"
            panels.append(
                MapsPanel(
                    title=f"{NETWORK_NAMES[architecture]}, {name}",
                    maps_chw=maps_nchw[0],
                    ordinary=(channels + 1) // 2 if is_light else channels,
                )
            )
    feature_maps_figure = Figure(
        "Figure 2: feature maps of one GEI",
        "Of a walker who never lived, whatever the networks were trained on. Each map has its own"
        " scale. Framed: the maps that a depthwise convolution makes, each from the map four rows"
        " above it.",
        "figure-2.png",
    )
    loss_curves_figure = Figure(
        "Figure 5: loss while training",
        "Both networks on the same batches.",
        "figure-5.png",
    )
    draw_feature_maps(
        settings.out / feature_maps_figure.file, gei_hw, panels, source=label.sentence
    )
    draw_loss_curves(settings.out / loss_curves_figure.file, courses, source=label.sentence)
    return feature_maps_figure, loss_curves_figure


def _convergence(courses: Mapping[Architecture, Course]) -> str:
    """Figure 5 in numbers."""
    found = []
    for architecture, course in courses.items():
        batch, steps = course.converged_batch, len(course.cross_entropy_s)
        when = f"not within {steps} batches" if batch is None else f"from batch {batch} on"
        found.append(f"{NETWORK_NAMES[architecture]} {when}")
    return (
        f"The loss (mean of {SMOOTHED_STEPS} batches) stays below {100 * CONVERGED_SHARE:g} % of"
        f" that of guessing: {', '.join(found)}. Paper: the light network sooner, within about"
        f" {CONVERGED_BATCHES} batches."
    )
