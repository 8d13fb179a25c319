"""Scores an encoder beside the baselines, on walkers never seen in training or on real silhouettes.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from model.baselines import LinearBaseline, pixels
from model.calibration import Calibration
from model.datasets.labelled import LabelledGeis, refused_by_reason
from model.datasets.recorded_set import Caching
from model.datasets.recordings import read_recordings
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.encoder import in_batches
from model.enrolment import failure_to_enrol
from model.evaluation_breakdowns import (
    casia_a_breakdowns,
    casia_b_breakdowns,
    tree_breakdowns,
    walker_breakdowns,
)
from model.evaluation_report import DatasetName, EvaluationReport, MethodReport, Metric
from model.evaluation_sections import (
    NOTES,
    casia_a_sections,
    casia_b_sections,
    tree_sections,
    walker_sections,
)
from model.gei import GeiConfig
from model.in_flight import Encode
from model.measuring import Measuring
from model.scores import Scores, cosine_scores, euclidean_scores
from model.worst_pairs import WorstPairs

# Seeds of people; the ranges never meet, and training uses those below a million.
VALIDATION_IDENTITY = 4_000_000
UNSEEN_IDENTITY = 5_000_000
CALIBRATION_IDENTITY = 6_000_000


def unseen_walkers(gei: GeiConfig | None = None, *, identities: int = 50) -> WalkerSetConfig:
    """People nobody trained on, in CASIA-B's shape: 50 people × 10 walks × 11 views."""
    return WalkerSetConfig(
        first_identity=UNSEEN_IDENTITY,
        identities=identities,
        frames=48,
        frames_spread=12,
        views="casia-b",
        gei=gei or GeiConfig(),
    )


class NothingToScore(Exception):
    """Not one walk of the data set could be used; the reasons are in the message."""


def evaluate(
    encode: Encode | None,
    dataset: DatasetName = "walkers",
    folder: Path | None = None,
    *,
    calibration: Calibration | None = None,
    gei: GeiConfig | None = None,
    runs: Path = Path("runs"),
    identities: int = 50,
    baseline_identities: int = 500,
    processes: int = 2,
    frames_per_second: float | None = None,
    pairs_shown: int = 0,
    console: Console | None = None,
) -> EvaluationReport:
    """Scores an encoder and the baselines on the same GEIs.

    Args:
        encode: uint8 (N, H, W) → float32 (N, D), compared by cosine; None scores the baselines
            only.
        dataset: "walkers" generates people never seen in training; "casia-a" and "casia-b" read a
            copy of these, "tree" any folder `<subject>/<walk>`.
        folder: of the recordings; of "walkers", where the generated set is kept.
        calibration: the encoder's own thresholds; None leaves out what they achieve.
        gei: the encoder's own settings.
        runs: where generated walkers and decoded recordings are kept.
        identities: people of "walkers".
        baseline_identities: training walkers that PCA + LDA is fitted on, ten walks each; 0 leaves
            that baseline out.
        processes: that generate walkers or decode recordings.
        frames_per_second: of bundles of pictures in a tree, if known.
        pairs_shown: of each kind of error, the worst that the report names and holds pictures of.
        console: where progress is drawn; None draws none.

    Raises:
        ValueError: recordings without a folder.
        NotCasiaA, NotCasiaB, EmptyTree: the folder holds something else.
        NothingToScore: no walk of it could be used.
        WalkSetMismatch: the folder holds other walkers.
    """
    gei = gei or GeiConfig()
    if dataset == "walkers":
        config = unseen_walkers(gei, identities=identities)
        folder = folder or runs / "walkers" / f"unseen-{config.fingerprint()}"
        walks = build_walker_set(config, folder, processes, console=console).labelled()
    elif folder is None:
        raise ValueError(f"The data set {dataset!r} needs a folder.")
    else:
        caching = Caching(runs / "recordings", gei, processes, console)
        walks = read_recordings(
            dataset, folder, caching, frames_per_second=frames_per_second
        ).labelled()
    linear_baseline = None
    if baseline_identities:
        training = WalkerSetConfig(identities=baseline_identities, gei=gei)
        kept = runs / "walkers" / f"baseline-{training.fingerprint()}"
        walkers = build_walker_set(training, kept, processes, console=console)
        linear_baseline = LinearBaseline.fit(walkers.geis_nhw, walkers.label_n)
    return score(
        encode,
        walks,
        dataset,
        calibration=calibration,
        linear_baseline=linear_baseline,
        pairs_shown=pairs_shown,
    )


def score(
    encode: Encode | None,
    walks: LabelledGeis,
    dataset: DatasetName,
    *,
    calibration: Calibration | None = None,
    linear_baseline: LinearBaseline | None = None,
    pairs_shown: int = 0,
) -> EvaluationReport:
    """The figures of a data set whose GEIs are at hand; see `evaluate`."""
    refused = refused_by_reason(walks.refused)
    if len(walks) == 0:
        raise NothingToScore(f"No walk of {dataset} could be used: {refused or 'there is none'}.")
    scores_by_method: dict[str, Scores] = {}
    if encode is not None:
        scores_by_method["network"] = cosine_scores(in_batches(encode, walks.geis_nhw))
    scores_by_method["raw GEI"] = euclidean_scores(pixels(walks.geis_nhw))
    if linear_baseline is not None:
        scores_by_method["PCA + LDA"] = cosine_scores(linear_baseline.encode(walks.geis_nhw))
    measure, take_apart = {
        "walkers": (walker_sections, walker_breakdowns),
        "casia-a": (casia_a_sections, casia_a_breakdowns),
        "casia-b": (casia_b_sections, casia_b_breakdowns),
        "tree": (tree_sections, tree_breakdowns),
    }[dataset]
    methods: list[MethodReport] = []
    worst: list[WorstPairs] = []
    for name, scores_nn in scores_by_method.items():
        measuring = Measuring(
            scores_nn,
            walks,
            calibration if name == "network" else None,
            in_detail=not methods,
            pairs_shown=pairs_shown,
        )
        sections = tuple(measure(measuring))
        take_apart(measuring)
        worst += measuring.worst
        methods.append(
            MethodReport(name, sections, tuple(measuring.series), tuple(measuring.breakdowns))
        )
    return EvaluationReport(
        dataset=dataset,
        subjects=walks.subjects,
        walks=len(walks),
        refused=refused,
        failure_to_enrol=Metric.of(
            "failure to enrol", failure_to_enrol(walks), lower_is_better=True
        ),
        methods=tuple(methods),
        notes=NOTES,
        worst_pairs=tuple(worst),
    )
