"""Who a probe may be: an index per gallery and checkpoint, in step with SQL, and the decision."""

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

__all__ = [
    "Candidate",
    "Comparison",
    "Decision",
    "GallerySearch",
    "SearchResult",
    "Snapshots",
    "Verification",
    "decide",
    "decide_together",
    "decide_verification",
    "possible_duplicates",
]
