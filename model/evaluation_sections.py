"""Which figures an evaluation of each data set consists of. docs/protocols.md says it in words.

Shape letters: N walks.
"""

from __future__ import annotations

import numpy as np

from model.datasets.casia_a import goes_right_or_closer
from model.datasets.casia_b_splits import subjects_74_50
from model.evaluation_report import MATRIX_ENDING, Metric, Section, Series
from model.measuring import Measuring
from model.protocols import (
    CASIA_B_CONDITIONS,
    Cell,
    any_view_cells,
    casia_b_cells,
    cross_view_cells,
    enrolled_walks,
    leave_one_out_cells,
    opposite_cells,
    paper_cells,
    probe_walks,
    same_view_cells,
)

GALLERY_SIZES = (10, 40)  # beside half of CASIA-B's 50 tested people
FEW_PEOPLE_SPLITS = 100  # with 8 or 20 people one gallery says little

NOTES = (
    "In brackets 95 % intervals, bootstrap over people. n: probes in identification, pairs in"
    " verification, walks in enrolment.",
)


def walker_sections(measuring: Measuring) -> list[Section]:
    """CASIA-B's 74/50 protocol on people nobody trained on, and the open set."""
    walks = measuring.walks
    condition_n, walk_n, view_n = walks.condition_n, walks.walk_n, walks.view_n
    enrolled_n = enrolled_walks(condition_n, walk_n)
    same_nn = view_n[:, None] == view_n[None, :]
    across, same = [], []
    for condition in CASIA_B_CONDITIONS:
        name = condition.upper()
        cells, pairs = casia_b_cells(condition_n, walk_n, view_n, condition)
        found = measuring.identification(f"{name} cross-view", cells)
        by_pair = zip(pairs, found.rank(1).by_cell_c.tolist(), strict=True)
        measuring.series.append(
            Series(
                f"{name}{MATRIX_ENDING}",
                ("probe view", "gallery view", "rate"),
                tuple((*pair, rate) for pair, rate in by_pair),
            )
        )
        across += [
            Metric.of(f"{name} rank-1 cross-view", found.rank(1).estimate()),
            Metric.of(f"{name} rank-5 cross-view", found.rank(5).estimate()),
            Metric.of(f"{name} mAP cross-view", found.average_precision.estimate()),
        ]
        probes_n = probe_walks(condition_n, walk_n, condition)
        here = same_view_cells(probes_n, enrolled_n, view_n)
        same.append(measuring.rank_1(f"{name} rank-1 same view", here))
    verified = [
        *measuring.verification("same view", same_nn),
        *measuring.verification("cross-view", ~same_nn),
    ]
    everything = [Cell(~enrolled_n, enrolled_n)]
    sizes = [size for size in GALLERY_SIZES if size < walks.subjects]
    opened = measuring.open_set("", everything, gallery_sizes=sizes)
    return [
        Section(
            "Across views",
            "gallery nm-01…04 of one view at a time, identical view left out, mean over views;"
            " probes nm-05/06, bg, cl (CASIA-B, 74/50).",
            tuple(across),
        ),
        Section("Same view", "the same probes, nm-01…04 of their own view enrolled.", tuple(same)),
        Section("Verification", "all pairs of walks, of one view or of two.", tuple(verified)),
        Section(
            "Open set",
            "nm-01…04 of all views enrolled, of half of the people or of so many; all other walks"
            " are probes.",
            tuple(opened),
        ),
        *_as_decided(
            measuring.decided(
                cohort_n=enrolled_n,
                verified={"same view": same_nn, "cross-view": ~same_nn},
                searched={"": everything},
            )
        ),
        *_own_thresholds(measuring),
    ]


def _as_decided(metrics: list[Metric]) -> list[Section]:
    if not metrics:
        return []
    return [
        Section(
            "Verification and open set by the score that decisions use",
            "the same walks; from every cosine the level at which everybody looks alike to the"
            " probe is taken, in units of how far they lie apart, as a threshold of the service"
            " does. Both are told by the others enrolled before the template's camera; each pair is"
            " compared both ways.",
            tuple(metrics),
        )
    ]


def _own_thresholds(measuring: Measuring) -> list[Section]:
    if measuring.calibration is None:
        return []
    walks = measuring.walks
    enrolled_n = enrolled_walks(walks.condition_n, walks.walk_n)
    same = same_view_cells(~enrolled_n, enrolled_n, walks.view_n)
    metrics = measuring.achieved("same view", same)
    for condition in CASIA_B_CONDITIONS:
        probes_n = probe_walks(walks.condition_n, walks.walk_n, condition)
        cells = same_view_cells(probes_n, enrolled_n, walks.view_n)
        metrics += measuring.achieved(condition.upper(), cells)
    few = GALLERY_SIZES[0]
    if few < walks.subjects:
        metrics += measuring.achieved(f"{few} enrolled", same, gallery_size=few)
    metrics += measuring.achieved("all views enrolled", [Cell(~enrolled_n, enrolled_n)])
    across = any_view_cells(~enrolled_n, enrolled_n, walks.view_n)
    metrics += measuring.achieved("any view", across)
    return [
        Section(
            "Own thresholds",
            "the checkpoint's calibration on strangers: nm-01…04 of everybody else enrolled, in the"
            " probe's view; NM, BG, CL: the probes in that condition; any view: enrolled in one,"
            " probes of all views.",
            tuple(metrics),
        )
    ]


def casia_b_sections(measuring: Measuring) -> list[Section]:
    """The paper's closed set on everybody, and 74/50 on people 075 to 124."""
    walks = measuring.walks
    metrics = []
    for condition in CASIA_B_CONDITIONS:
        cells, views = paper_cells(walks.condition_n, walks.walk_n, walks.view_n, condition)
        name = condition.upper()
        metrics.append(measuring.rank_1(f"{name} seven views", cells))
        if condition == "nm":
            metrics += [
                measuring.rank_1(f"{name} {view:.0f}°", [cell])
                for view, cell in zip(views, cells, strict=True)
            ]
    closed = Section(
        "The paper's closed set, nearest neighbour",
        "everybody's nm-01…04 of 36° to 144° enrolled together, probes of one view at a time. Only"
        " a network trained on these walks compares with the paper's tables 2 and 3.",
        tuple(metrics),
    )
    tested_n = subjects_74_50(walks, keep_005=True).tested_n
    if not tested_n.any():
        return [closed]
    return [closed, *walker_sections(measuring.only(tested_n))]


def casia_a_sections(measuring: Measuring) -> list[Section]:
    """CASIA-A by view, by direction, across views, and the open set."""
    walks = measuring.walks
    walk_n, view_n = walks.walk_n, walks.view_n
    early_n, one_way_n = walk_n <= 2, goes_right_or_closer(walks)
    same_nn = view_n[:, None] == view_n[None, :]
    identified, opposite, verified, opened = [], [], [], []
    for view in np.unique(view_n):
        here_n, angle = view_n == view, f"{view:02.0f}°"
        alone, split = [Cell(here_n, here_n)], [Cell(here_n & ~early_n, here_n & early_n)]
        identified.append(measuring.rank_1(f"leave one out {angle}", alone))
        identified.append(measuring.rank_1(f"walks 1–2 → 3–4 {angle}", split))
        both_ways = opposite_cells(one_way_n, here_n)
        opposite.append(measuring.rank_1(f"opposite direction {angle}", both_ways))
        verified.append(measuring.verification(angle, here_n[:, None] & here_n[None, :])[0])
        opened += measuring.open_set(angle, split, splits=FEW_PEOPLE_SPLITS)
    pairs = measuring.identification("across views", cross_view_cells(view_n))
    across = (
        Metric.of("across views", pairs.rank(1).estimate()),
        Metric.of("across views mAP", pairs.average_precision.estimate()),
    )
    verified += measuring.verification("same view", same_nn)
    verified += measuring.verification("across views", ~same_nn)
    splits = same_view_cells(~early_n, early_n, view_n)
    opened += measuring.open_set("same view", splits, splits=FEW_PEOPLE_SPLITS)
    sections = [
        Section(
            "Same view",
            "leave one out: a walk against all others of its view; 1–2 → 3–4: walks 1 and 2"
            " enrolled, 3 and 4 are probes.",
            tuple(identified),
        ),
        Section("Opposite direction", "the gallery walked the other way.", tuple(opposite)),
        Section("Across views", "one view against another, mean of the six pairs.", across),
        Section(
            "Verification", "all pairs of one view, of each, and of two views.", tuple(verified)
        ),
        Section(
            "Open set",
            f"half of the people unknown, mean of {FEW_PEOPLE_SPLITS} halves; walks 1–2 enrolled,"
            " probes 3–4 of the same view.",
            tuple(opened),
        ),
    ]
    decided = measuring.decided(
        verified={"same view": same_nn, "across views": ~same_nn},
        searched={"same view": splits},
        splits=FEW_PEOPLE_SPLITS,
    )
    sections += _as_decided(decided)
    if measuring.calibration is not None:
        note = "the checkpoint's calibration on strangers; walks 1–2 of everybody else enrolled."
        own = tuple(measuring.achieved("same view", splits))
        sections.append(Section("Own thresholds", note, own))
    return sections


def tree_sections(measuring: Measuring) -> list[Section]:
    """Each walk against all others, whatever the views."""
    walks = measuring.walks
    _, label_n, counts = np.unique(walks.subject_n, return_inverse=True, return_counts=True)
    (everything,) = leave_one_out_cells(np.zeros(len(walks)))
    cells = [Cell(counts[label_n] > 1, everything.gallery_n)]
    found = measuring.identification("leave one out", cells)
    identified = (
        Metric.of("leave one out", found.rank(1).estimate()),
        Metric.of("leave one out rank-5", found.rank(5).estimate()),
        Metric.of("leave one out mAP", found.average_precision.estimate()),
    )
    all_nn = np.ones((len(walks), len(walks)), dtype=np.bool_)
    sections = [
        Section(
            "Identification",
            "a walk against all others; people with one walk are part of the gallery only.",
            identified,
        ),
        Section("Verification", "all pairs.", tuple(measuring.verification("", all_nn))),
        Section("Open set", "half of the people unknown.", tuple(measuring.open_set("", cells))),
    ]
    sections += _as_decided(measuring.decided(verified={"": all_nn}, searched={"": cells}))
    if measuring.calibration is not None:
        note = "the checkpoint's calibration on strangers; everybody else enrolled."
        own = tuple(measuring.achieved("any walk", [everything]))
        sections.append(Section("Own thresholds", note, own))
    return sections
