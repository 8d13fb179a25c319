"""One method's figures on some walks, named as they stand in the report.

Shape letters: N walks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from model.bootstrap import NOTHING, Estimate
from model.calibration import Calibration
from model.datasets.labelled import LabelledGeis
from model.decided_scores import decided_scores
from model.errors_at import errors_at
from model.evaluation_report import Breakdown, Metric, Series
from model.identification import SPLITS, achieved_fpir, open_set, searches
from model.protocols import Cell, Mask
from model.ranking import Identification, identify
from model.score_spread import SPREAD_COLUMNS, spread
from model.scores import Scores
from model.verification import comparisons, verify
from model.worst_pairs import WorstPairs, worst_pairs

TARGET_FPIRS = (0.1, 0.01)  # asked of a checkpoint's own thresholds
FALSE_ACCEPT_RATES = (0.01, 0.001)
OPEN_SET_FPIRS = (0.01, 0.02, 0.05, 0.1, 0.2)  # the first is told in the table, all in the JSON


@dataclass(frozen=True, slots=True)
class Measuring:
    """One method's figures on some walks, while they are being measured.

    Attributes:
        scores_nn: (N, N) of the walks.
        walks: who, how, from where.
        calibration: the method's own thresholds, where it has any.
        series: curves and matrices found so far.
        in_detail: whether figures are also taken apart by view and condition.
        pairs_shown: of each kind that a gallery of errors is to show.
        breakdowns: found so far.
        worst: pairs found so far.
    """

    scores_nn: Scores
    walks: LabelledGeis
    calibration: Calibration | None = None
    series: list[Series] = field(default_factory=list)
    in_detail: bool = False
    pairs_shown: int = 0
    breakdowns: list[Breakdown] = field(default_factory=list)
    worst: list[WorstPairs] = field(default_factory=list)

    def only(self, chosen_n: Mask) -> Measuring:
        """The same method on some of the walks; what is found is kept in the same place."""
        walks = replace(
            self.walks,
            geis_nhw=self.walks.geis_nhw[chosen_n],
            subject_n=self.walks.subject_n[chosen_n],
            condition_n=self.walks.condition_n[chosen_n],
            walk_n=self.walks.walk_n[chosen_n],
            view_n=self.walks.view_n[chosen_n],
            drift_n2=self.walks.drift_n2[chosen_n],
        )
        return replace(self, scores_nn=self.scores_nn[np.ix_(chosen_n, chosen_n)], walks=walks)

    def identification(self, name: str, cells: Sequence[Cell]) -> Identification:
        """Closed-set identification, its CMC kept under this name."""
        found = identify(self.scores_nn, self.walks.subject_n, cells)
        curve = tuple(
            (float(place), *_with_interval(one))
            for place, one in enumerate(found.cumulative_matches(), start=1)
        )
        self.series.append(Series(f"CMC {name}", ("rank", "rate", "low", "high"), curve))
        return found

    def rank_1(self, name: str, cells: Sequence[Cell]) -> Metric:
        """Rank-1, the CMC beside it."""
        return Metric.of(name, self.identification(name, cells).rank(1).estimate())

    def verification(
        self, name: str, permitted_nn: Mask, *, both_ways: bool = False
    ) -> list[Metric]:
        """EER and TAR at the usual FARs, the DET curve beside them."""
        pairs = comparisons(self.scores_nn, self.walks.subject_n, permitted_nn, both_ways=both_ways)
        found = verify(pairs, fars=FALSE_ACCEPT_RATES)
        columns = ("threshold", "FMR", "FMR low", "FMR high", "FNMR", "FNMR low", "FNMR high")
        curve = tuple(
            (point.threshold, *_with_interval(point.fmr), *_with_interval(point.fnmr))
            for point in found.det
        )
        self.series.append(Series(f"DET {name}".strip(), columns, curve))
        self.series.append(
            Series(
                f"scores {name}".strip(), SPREAD_COLUMNS, spread(pairs.genuine_g, pairs.impostor_i)
            )
        )
        self.series.append(
            Series(
                f"equal error {name}".strip(),
                ("threshold", "EER"),
                ((found.eer_threshold, found.eer.value),),
            )
        )
        return [
            Metric.of(f"EER {name}".strip(), found.eer, lower_is_better=True),
            *(
                Metric.of(f"TAR at FAR {100 * far:g} % {name}".strip(), rate)
                for far, rate in found.true_accept.items()
            ),
        ]

    def open_set(
        self,
        name: str,
        cells: Sequence[Cell],
        *,
        gallery_sizes: Sequence[int] = (),
        splits: int = SPLITS,
        calibration: Calibration | None = None,
    ) -> list[Metric]:
        """TPIR with half of the people unknown, FNIR with so many enrolled; FNIR curves beside.

        With a calibration its level is taken from the scores first.
        """
        found = searches(self.scores_nn, self.walks.subject_n, cells)
        metrics, rows = [], []
        for size in (None, *gallery_sizes):
            curve = open_set(
                found,
                target_fpirs=OPEN_SET_FPIRS,
                gallery_size=size,
                calibration=calibration,
                splits=splits,
            )
            at = f"at FPIR {100 * OPEN_SET_FPIRS[0]:g} %"
            if size is None:
                tpir = curve[0].true_positive_rate
                metrics.append(Metric.of(f"TPIR {at} {name}".strip(), tpir))
            else:
                fnir = curve[0].false_negative_rate
                label = f"FNIR {at}, {size} enrolled {name}".strip()
                metrics.append(Metric.of(label, fnir, lower_is_better=True))
            for point in curve:
                rate = _with_interval(point.false_negative_rate)
                rows.append((float(point.gallery_size), point.false_positive_rate, *rate))
        columns = ("gallery size", "FPIR", "FNIR", "low", "high")
        self.series.append(Series(f"open set {name}".strip(), columns, tuple(rows)))
        return metrics

    def decided(
        self,
        *,
        cohort_n: Mask | None = None,
        verified: Mapping[str, Mask],
        searched: Mapping[str, Sequence[Cell]],
        splits: int = SPLITS,
    ) -> list[Metric]:
        """Verification and open set by the score a service decides with; nothing without
        calibration.

        Args:
            cohort_n: (N,) the walks that cohorts consist of in verification; None takes all.
            verified: (N, N) pairs to compare, by name; each is compared both ways.
            searched: cells of the open set, by name.
            splits: galleries drawn.
        """
        if self.calibration is None:
            return []
        walks = self.walks
        decided_nn = decided_scores(
            self.scores_nn, walks.subject_n, walks.view_n, self.calibration, cohort_n=cohort_n
        )
        levelled = replace(self, scores_nn=decided_nn)
        metrics = []
        for name, permitted_nn in verified.items():
            label = f"{name}, as decided".removeprefix(", ")
            metrics += levelled.verification(label, permitted_nn, both_ways=True)
        for name, cells in searched.items():
            label = f"{name}, as decided".removeprefix(", ")
            metrics += self.open_set(label, cells, splits=splits, calibration=self.calibration)
        return metrics

    def errors(
        self, name: str, permitted_nn: Mask, *, groups: Mapping[str, Mapping[str, Mask]]
    ) -> None:
        """What the errors at the threshold of equal error have to do with views and conditions,
        and which pairs are the worst. Kept, not returned; nothing unless asked for.

        Args:
            name: of the comparisons, whose verification has been measured.
            permitted_nn: (N, N) which pairs count.
            groups: parts of these pairs, by what they are told apart by and by name.
        """
        if not self.in_detail:
            return
        subject_n = self.walks.subject_n
        [((threshold, _),)] = [
            one.rows for one in self.series if one.name == f"equal error {name}".strip()
        ]
        if not np.isfinite(threshold):
            return
        for by, parts in groups.items():
            rows = [
                (label, errors_at(comparisons(self.scores_nn, subject_n, part_nn), threshold))
                for label, part_nn in parts.items()
            ]
            self.breakdowns.append(
                Breakdown(
                    f"errors {name} by {by}".replace("  ", " "),
                    f"one threshold for all, {threshold:.3f}, where both error rates of all pairs"
                    " are equal.",
                    by,
                    ("FMR", "FNMR"),
                    tuple(row for row in rows if row[1] != (NOTHING, NOTHING)),
                )
            )
        if self.pairs_shown:
            found = worst_pairs(
                self.scores_nn,
                self.walks,
                permitted_nn,
                name=name,
                threshold=threshold,
                most=self.pairs_shown,
            )
            self.worst.append(found)

    def achieved(
        self, name: str, cells: Sequence[Cell], *, gallery_size: int | None = None
    ) -> list[Metric]:
        """FPIR and TPIR at the checkpoint's own thresholds; nothing without a calibration."""
        if self.calibration is None:
            return []
        metrics = []
        for target in TARGET_FPIRS:
            found = achieved_fpir(
                self.scores_nn,
                self.walks.subject_n,
                cells,
                self.calibration,
                target,
                gallery_size=gallery_size,
            )
            at, fpir = f"at target {100 * target:g} %, {name}", found.false_positive_rate
            metrics.append(Metric.of(f"achieved FPIR {at}", fpir, lower_is_better=True))
            metrics.append(Metric.of(f"TPIR {at}", found.true_positive_rate))
        return metrics


def _with_interval(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
