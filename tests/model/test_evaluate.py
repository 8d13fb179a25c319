"""Evaluation: the network beside its baselines, on the same walks, with honest gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from model.baselines import LinearBaseline, pixels
from model.calibration import Calibration
from model.datasets.casia_a import NotCasiaA
from model.datasets.labelled import LabelledGeis, Refusal
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.evaluate import (
    NothingToScore,
    evaluate,
    score,
    unseen_walkers,
)
from model.evaluation_report import EvaluationReport, MethodReport, Metric, Section


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """Thirty people, four walks each."""
    config = WalkerSetConfig(identities=30, walks_per_identity=4, frames=26, fault_share=0.0)
    return build_walker_set(config, tmp_path_factory.mktemp("training") / "set", processes=1)


def _labelled(
    geis_nhw: NDArray[np.uint8], subjects: list[str], refused: tuple[Refusal, ...] = ()
) -> LabelledGeis:
    count = len(subjects)
    return LabelledGeis(
        geis_nhw=geis_nhw,
        subject_n=np.array(subjects, dtype=np.str_),
        condition_n=np.array(["nm"] * count, dtype=np.str_),
        walk_n=np.arange(1, count + 1),
        view_n=np.full(count, np.nan),
        drift_n2=np.full((count, 2), np.nan),
        refused=refused,
    )


def test_people_of_training_validation_evaluation_and_calibration_never_meet() -> None:
    config = unseen_walkers()
    assert config.first_identity >= 5_000_000
    assert config.first_identity + config.identities <= 6_000_000
    assert (config.identities, config.takes_per_identity) == (50, 110)


def test_walkers_are_generated_once_and_scored_in_casia_bs_shape(tmp_path: Path) -> None:
    """One person is enough to see the shape of the data and that all metrics are there."""
    report, again = (
        evaluate(pixels, "walkers", runs=tmp_path, identities=1, baseline_identities=0, processes=1)
        for _ in range(2)
    )
    assert again.to_json() == report.to_json()  # the kept set is read, and every draw is seeded
    assert report.walks + sum(report.refused.values()) == 110
    assert [method.method for method in report.methods] == ["network", "raw GEI"]
    assert [section.title for section in report.methods[0].sections] == [
        "Across views",
        "Same view",
        "Verification",
        "Open set",
    ]
    matrix = {one.name: one for one in report.methods[0].series}["CL rank-1 by views"]
    assert len({row[:2] for row in matrix.rows}) == 11 * 10
    (folder,) = (tmp_path / "walkers").iterdir()
    walks = WalkSet.open(folder)
    assert set(walks.view_n.tolist()) == set(range(0, 181, 18))
    of_view = [
        (str(walks.condition_n[i]), int(walks.walk_n[i]))
        for i in np.flatnonzero(walks.view_n == 90)
    ]
    assert of_view == [
        *[("nm", number) for number in range(1, 7)],
        ("bg", 1),
        ("bg", 2),
        ("cl", 1),
        ("cl", 2),
    ]


def test_a_coat_that_hides_the_walker_shows_in_its_own_row_only() -> None:
    raw = score(None, _two_people_in_casia_bs_shape(), "walkers").method("raw GEI")
    assert raw.value("NM rank-1 cross-view") == 1.0
    assert raw.value("BG rank-1 cross-view") == 1.0
    assert raw.value("CL rank-1 cross-view") == 0.5  # both are taken for the first person
    assert raw.value("NM rank-1 same view") == 1.0


def test_the_network_is_asked_in_bounded_batches() -> None:
    asked = []

    def encode(geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        asked.append(len(geis_nhw))
        return pixels(geis_nhw)

    rng = np.random.default_rng(0)
    geis_nhw = rng.integers(0, 256, (300, 8, 6), dtype=np.uint8)
    score(encode, _labelled(geis_nhw, [f"s{i % 50}" for i in range(300)]), "tree")
    assert asked == [256, 44]


def test_an_encoder_that_knows_everybody_scores_one_and_a_blind_one_scores_chance() -> None:
    geis_nhw = np.repeat(np.arange(10, dtype=np.uint8), 4)[:, None, None] * np.ones(
        (1, 4, 4), np.uint8
    )
    walks = _labelled(geis_nhw, [f"s{i // 4}" for i in range(40)])

    def knows(batch_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.eye(10, dtype=np.float32)[batch_nhw[:, 0, 0]]

    def blind(batch_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.random.default_rng(0).normal(size=(len(batch_nhw), 8)).astype(np.float32)

    best = score(knows, walks, "tree").method("network")
    assert [best.value(name) for name in ("leave one out", "EER", "TPIR at FPIR 1 %")] == [1, 0, 1]
    worst = score(blind, walks, "tree").method("network")
    assert worst.value("leave one out") < 0.4
    assert worst.value("EER") > 0.3


def test_people_with_one_walk_are_nobodys_miss() -> None:
    geis_nhw = np.array([10, 10, 200], dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    report = score(None, _labelled(geis_nhw, ["anna", "anna", "bert"]), "tree")
    assert report.method("raw GEI").value("leave one out") == 1.0


def test_the_linear_baseline_beats_pixels_on_people_it_never_saw(
    training: WalkSet, tmp_path: Path
) -> None:
    linear = LinearBaseline.fit(training.geis_nhw, training.label_n, components=60, directions=30)
    config = WalkerSetConfig(
        first_identity=5_200_000, identities=15, walks_per_identity=4, frames=26, fault_share=0.0
    )
    unseen = build_walker_set(config, tmp_path / "set", processes=1)
    walks = _labelled(unseen.geis_nhw, unseen.subject_n.tolist())
    report = score(None, walks, "tree", linear_baseline=linear)
    assert [method.method for method in report.methods] == ["raw GEI", "PCA + LDA"]
    assert report.method("PCA + LDA").value("EER") < report.method("raw GEI").value("EER")


def test_the_linear_baseline_gives_unit_vectors_that_a_mirror_does_not_change(
    training: WalkSet,
) -> None:
    linear = LinearBaseline.fit(training.geis_nhw, training.label_n, components=20, directions=9)
    vectors_nd = linear.encode(training.geis_nhw)
    assert vectors_nd.shape == (len(training), 9)
    np.testing.assert_allclose(np.linalg.norm(vectors_nd, axis=1), 1.0, atol=1e-5)
    mirrored_nd = linear.encode(np.ascontiguousarray(training.geis_nhw[:, :, ::-1]))
    np.testing.assert_allclose(mirrored_nd, vectors_nd, atol=1e-5)


def _report(*methods: MethodReport) -> EvaluationReport:
    return EvaluationReport(
        dataset="tree",
        subjects=3,
        walks=6,
        refused={"too-few-frames": 1},
        failure_to_enrol=Metric("failure to enrol", 1 / 7, 0.0, 0.4, 3, 7, lower_is_better=True),
        methods=methods,
        notes=("one",),
    )


def _section(title: str, *metrics: Metric) -> Section:
    return Section(title, "as described", metrics)


def test_a_report_is_strict_json_and_a_figure_that_is_none_becomes_null() -> None:
    nothing = float("nan")
    unknown = Metric("EER", nothing, nothing, nothing, 0, 0, lower_is_better=True)
    report = _report(MethodReport("raw GEI", (_section("Verification", unknown),)))
    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert plain["methods"][0]["sections"][0]["metrics"][0]["value"] is None
    assert plain["failure_to_enrol"]["comparisons"] == 7


def test_the_table_shows_every_method_beside_the_others() -> None:
    own = _section("Own thresholds", Metric("achieved FPIR", 0.02, 0.01, 0.03, 3, 6))
    report = _report(
        MethodReport(
            "network",
            (_section("Identification", Metric("leave one out", 0.9, 0.8, 1.0, 3, 6)), own),
        ),
        MethodReport(
            "raw GEI", (_section("Identification", Metric("leave one out", 0.5, 0.4, 0.6, 3, 6)),)
        ),
    )
    console = Console(width=120, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as screen:
        console.print(report.table())
    lines = screen.get().splitlines()
    assert "6 walks of 3 people" in lines[0]
    row = {line.split("│")[1].strip(): line for line in lines if line.count("│") == 5}
    assert "0.143 [0.000–0.400]" in row["failure to enrol ↓"]
    assert "0.900 [0.800–1.000]" in row["leave one out"]
    assert "0.500 [0.400–0.600]" in row["leave one out"]
    assert row["achieved FPIR"].split("│")[4].strip() == ""  # pixels have no thresholds
    assert report.explanations() == (
        "Identification: as described",
        "Own thresholds: as described",
        "one",
    )


def _two_people_in_casia_bs_shape(first: int = 75) -> LabelledGeis:
    """Known by their gray value from 36° and 90°, but in a coat both are black."""
    conditions = [("nm", number) for number in range(1, 7)] + [
        (name, number) for name in ("bg", "cl") for number in (1, 2)
    ]
    rows = [
        (person, view, *condition)
        for person in (0, 1)
        for view in (36.0, 90.0)
        for condition in conditions
    ]
    grays = [0 if name == "cl" else 100 * person for person, _, name, _ in rows]
    return LabelledGeis(
        geis_nhw=np.array(grays, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8),
        subject_n=np.array([f"{first + person:03d}" for person, *_ in rows]),
        condition_n=np.array([name for _, _, name, _ in rows]),
        walk_n=np.array([number for *_, number in rows]),
        view_n=np.array([view for _, view, _, _ in rows]),
        drift_n2=np.full((len(rows), 2), np.nan),
    )


def test_casia_b_is_scored_as_in_the_paper_and_across_views() -> None:
    raw = score(None, _two_people_in_casia_bs_shape(), "casia-b").method("raw GEI")
    assert raw.value("NM 36°") == raw.value("NM 90°") == raw.value("NM seven views") == 1.0
    assert raw.value("CL seven views") == 0.5
    assert raw.value("CL rank-1 cross-view") == 0.5


def test_casia_b_without_its_test_people_has_the_papers_closed_set_only() -> None:
    raw = score(None, _two_people_in_casia_bs_shape(first=1), "casia-b").method("raw GEI")
    (section,) = raw.sections
    assert section.title.startswith("The paper's closed set")


def test_a_calibration_is_put_to_the_test_in_every_condition() -> None:
    def encode(geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        bright_n = geis_nhw[:, 0, 0] > 0
        return np.stack((bright_n, ~bright_n), axis=1).astype(np.float32)

    curve = Calibration((0.5, 0.01, 0.0001), (0.1, 0.5, 0.9), "by hand", 10, 100)
    walks = _two_people_in_casia_bs_shape()
    network = score(encode, walks, "casia-b", calibration=curve).method("network")
    # In a coat both look like the first, whom the second's probes then reach at 1.0.
    assert network.value("achieved FPIR at target 1 %, NM") == 0.0
    assert network.value("achieved FPIR at target 1 %, BG") == 0.0
    assert network.value("achieved FPIR at target 1 %, CL") == 0.5
    assert network.value("TPIR at target 1 %, CL") == 0.5
    assert network.metric("achieved FPIR at target 10 %, any view").comparisons == 2 * 2 * 2 * 6


def test_a_data_set_without_one_usable_walk_says_why() -> None:
    nothing = _labelled(
        np.zeros((0, 64, 44), np.uint8),
        [],
        (Refusal("anna/1", "too-few-frames", "3 frames", "anna"),),
    )
    with pytest.raises(NothingToScore, match="too-few-frames"):
        score(pixels, nothing, "tree")


def test_a_data_set_of_files_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        evaluate(pixels, "casia-a")
    with pytest.raises(NotCasiaA):
        evaluate(pixels, "casia-a", tmp_path)


def test_principal_axes_do_not_depend_on_which_scatter_is_smaller(training: WalkSet) -> None:
    """Few GEIs go through the matrix between GEIs, many through the one between pixels."""
    small_nhw = training.geis_nhw[:, ::8, ::4]  # 88 pixels
    few = LinearBaseline.fit(
        small_nhw[:40], training.label_n[:40], components=20, directions=5
    )  # 80 images with their mirror images, then 160
    repeated = LinearBaseline.fit(
        np.concatenate([small_nhw[:40]] * 2),
        np.concatenate([training.label_n[:40]] * 2),
        components=20,
        directions=5,
    )
    cosines_nn, expected_nn = (
        model.encode(small_nhw) @ model.encode(small_nhw).T for model in (few, repeated)
    )
    np.testing.assert_allclose(cosines_nn, expected_nn, atol=2e-3)
