"""Who a probe may be: an index per gallery and checkpoint, in step with SQL, and the decision."""

from app.search.calibrating import GalleryCalibrator
from app.search.decision import (
    Decision,
    Verification,
    decide,
    decide_together,
    decide_verification,
    possible_duplicates,
)
from app.search.gallery_search import Candidate, Comparison, GallerySearch, SearchResult
from app.search.snapshots import Snapshots
from app.search.thresholds import ThresholdBasis, ThresholdSource

__all__ = [
    "Candidate",
    "Comparison",
    "Decision",
    "GalleryCalibrator",
    "GallerySearch",
    "SearchResult",
    "Snapshots",
    "ThresholdBasis",
    "ThresholdSource",
    "Verification",
    "decide",
    "decide_together",
    "decide_verification",
    "possible_duplicates",
]
