"""Which probes meet which gallery, on sets small enough to be read."""

from __future__ import annotations

import numpy as np
import pytest

from model.protocols import (
    Mask,
    any_view_cells,
    casia_b_cells,
    cross_view_cells,
    enrolled_walks,
    opposite_cells,
    paper_cells,
    probe_walks,
    same_view_cells,
)
from model.ranking import identify

ANNA, BERT = 0, 1


def _places(mask_n: Mask) -> list[int]:
    return np.flatnonzero(mask_n).tolist()


def test_across_views_takes_every_ordered_pair_of_different_views() -> None:
    cells = cross_view_cells([0, 45, 90, 90])
    pairs = [(cell.probe_n.tolist(), cell.gallery_n.tolist()) for cell in cells]
    at_0, at_45, at_90 = (
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, True],
    )
    assert pairs == [
        (at_0, at_45),
        (at_0, at_90),
        (at_45, at_0),
        (at_45, at_90),
        (at_90, at_0),
        (at_90, at_45),
    ]


def _casia_b_walks() -> tuple[list[str], list[int], list[int], list[int]]:
    """Two people, two views, nm-01, nm-04, nm-05, nm-06, bg-01 and cl-02 of each."""
    subject, condition, walk, view = [], [], [], []
    for person in (ANNA, BERT):
        for degrees in (0, 90):
            for name, number in (("nm", 1), ("nm", 4), ("nm", 5), ("nm", 6), ("bg", 1), ("cl", 2)):
                subject.append(person)
                view.append(degrees)
                condition.append(name)
                walk.append(number)
    return condition, walk, view, subject


def test_casia_b_enrols_the_first_four_normal_walks_of_one_other_view() -> None:
    condition, walk, view, _ = _casia_b_walks()
    cells, pairs = casia_b_cells(condition, walk, view, "nm")
    assert pairs == [(0.0, 90.0), (90.0, 0.0)]
    first = cells[0]
    assert {(condition[i], walk[i], view[i]) for i in np.flatnonzero(first.gallery_n)} == {
        ("nm", 1, 90),
        ("nm", 4, 90),
    }
    assert {(condition[i], walk[i], view[i]) for i in np.flatnonzero(first.probe_n)} == {
        ("nm", 5, 0),
        ("nm", 6, 0),
    }


@pytest.mark.parametrize(("probe_condition", "number"), [("bg", 1), ("cl", 2)])
def test_casia_b_probes_all_walks_with_a_bag_or_in_a_coat(
    probe_condition: str, number: int
) -> None:
    condition, walk, view, _ = _casia_b_walks()
    cells, _ = casia_b_cells(condition, walk, view, probe_condition)
    probes = {(condition[i], walk[i]) for i in np.flatnonzero(cells[0].probe_n)}
    assert probes == {(probe_condition, number)}


def test_casia_b_is_the_mean_over_views_by_hand() -> None:
    """Probes of view 0 all find their person in view 90; of view 90 only Anna's do in view 0."""
    condition, walk, view, subject = _casia_b_walks()
    count = len(subject)
    scores_nn = np.zeros((count, count), dtype=np.float32)
    for i in range(count):
        for j in range(count):
            wrong = view[i] == 90 and subject[i] == BERT  # takes everybody for Anna
            scores_nn[i, j] = subject[j] == (ANNA if wrong else subject[i])
    cells, pairs = casia_b_cells(condition, walk, view, "nm")
    rate = identify(scores_nn, subject, cells).rank(1)
    assert dict(zip(pairs, rate.by_cell_c.tolist(), strict=True)) == {
        (0.0, 90.0): 1.0,
        (90.0, 0.0): 0.5,
    }
    assert rate.value == 0.75


def test_a_missing_gallery_walk_is_a_miss_and_a_missing_probe_is_no_probe() -> None:
    """CASIA-B has empty view folders: the gaps must neither crash nor flatter."""
    condition, walk, view, subject = _casia_b_walks()
    kept = [
        i
        for i in range(len(subject))
        if not (subject[i] == BERT and condition[i] == "nm" and walk[i] <= 4 and view[i] == 90)
        and not (subject[i] == ANNA and condition[i] == "bg" and view[i] == 0)
    ]
    condition, subject = [condition[i] for i in kept], [subject[i] for i in kept]
    walk, view = [walk[i] for i in kept], [view[i] for i in kept]
    scores_nn = (np.array(subject)[:, None] == np.array(subject)[None, :]).astype(np.float32)
    cells, pairs = casia_b_cells(condition, walk, view, "bg")
    rate = identify(scores_nn, subject, cells).rank(1)
    from_0 = pairs.index((0.0, 90.0))
    assert rate.counts_sc[:, from_0].tolist() == [0.0, 1.0]  # Anna's bag walk is not there
    assert rate.by_cell_c[from_0] == 0.0  # Bert is not enrolled in view 90
    assert rate.value == 0.5


def test_the_enrolled_and_the_probes_of_a_condition_never_overlap() -> None:
    condition, walk, _, _ = _casia_b_walks()
    enrolled_n = enrolled_walks(condition, walk)
    probes_n = [probe_walks(condition, walk, name) for name in ("nm", "bg", "cl")]
    assert np.array_equal(sum(probe.astype(int) for probe in (*probes_n, enrolled_n)), np.ones(24))


def test_same_view_enrols_the_view_of_the_probes_and_any_view_lets_all_probes_come() -> None:
    probe_n, gallery_n = np.array([1, 0, 1, 0], np.bool_), np.array([0, 1, 0, 1], np.bool_)
    view = [0, 0, 90, 90]
    same = same_view_cells(probe_n, gallery_n, view)
    assert [(_places(c.probe_n), _places(c.gallery_n)) for c in same] == [([0], [1]), ([2], [3])]
    any_view = any_view_cells(probe_n, gallery_n, view)
    assert [(_places(c.probe_n), _places(c.gallery_n)) for c in any_view] == [
        ([0, 2], [1]),
        ([0, 2], [3]),
    ]


def test_the_opposite_direction_is_asked_both_ways() -> None:
    forth_n, here_n = np.array([1, 0, 1, 0], np.bool_), np.array([1, 1, 1, 0], np.bool_)
    cells = opposite_cells(forth_n, here_n)
    assert [(_places(c.probe_n), _places(c.gallery_n)) for c in cells] == [
        ([0, 2], [1]),
        ([1], [0, 2]),
    ]


def _paper_walks() -> tuple[list[str], list[int], list[int]]:
    """One person: nm-01, nm-05 and cl-01, seen from 18°, 36° and 144°."""
    rows = [
        (condition, walk, view)
        for view in (18, 36, 144)
        for condition, walk in (("nm", 1), ("nm", 5), ("cl", 1))
    ]
    condition, walk, view = zip(*rows, strict=True)
    return list(condition), list(walk), list(view)


def test_the_paper_searches_its_training_walks_of_all_seven_views_with_one_view() -> None:
    condition, walk, view = _paper_walks()
    cells, views = paper_cells(condition, walk, view, "nm")
    assert views == [36.0, 144.0]  # 18° takes no part
    assert [_places(cell.gallery_n) for cell in cells] == [[3, 6], [3, 6]]
    assert [_places(cell.probe_n) for cell in cells] == [[4], [7]]
    coats, _ = paper_cells(condition, walk, view, "cl")
    assert [_places(cell.probe_n) for cell in coats] == [[5], [8]]
