"""Failure to enrol: walks that never become a template."""

from __future__ import annotations

import numpy as np

from model.bootstrap import Estimate, SubjectMean
from model.datasets.labelled import LabelledGeis


def failure_to_enrol(walks: LabelledGeis) -> Estimate:
    """The share of all walks that capture or the GEI refused (FTE, ISO/IEC 19795-1).

    Enrolment and identification refuse the same walks, so this is the failure-to-acquire rate too.
    No other figure counts these walks.
    """
    kept = walks.subject_n.tolist()
    refused = [refusal.subject for refusal in walks.refused]
    names, label_w = np.unique(np.array(kept + refused, dtype=np.str_), return_inverse=True)
    attempts_s = np.bincount(label_w, minlength=len(names)).astype(np.float64)
    failures_s = np.bincount(label_w[len(kept) :], minlength=len(names)).astype(np.float64)
    return SubjectMean(failures_s[:, None], attempts_s[:, None]).estimate()
