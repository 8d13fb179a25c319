"""The service from Python: a typed client that imports neither torch nor OpenCV nor FAISS."""

from __future__ import annotations

from app.client.answers import Erasure, Gallery, Job, JobCounts, ListedJob, Merge, Subject
from app.client.api_key import UnusableKey
from app.client.async_client import AsyncClient
from app.client.client import DEFAULT_URL, Client
from app.client.connection import RetryPolicy
from app.client.enrollment_check import CheckedWalk, EnrollmentCheck
from app.client.exchange_calls import ExportedGallery, ImportedGallery
from app.client.explanation import Explanation
from app.client.failures import (
    NotAllowed,
    NotAuthenticated,
    ServiceUnreachable,
    StillWorking,
    TooManyRequests,
    WalkprintError,
)
from app.client.media import MediaNotFound
from app.client.recognition import (
    Candidate,
    Enrollment,
    Identification,
    IdentifiedEverybody,
    PossibleDuplicate,
    SeenWalk,
    StoredWalk,
    ThresholdSource,
    Verification,
    Walker,
)
from app.client.walk import Walk

__all__ = [
    "DEFAULT_URL",
    "AsyncClient",
    "Candidate",
    "CheckedWalk",
    "Client",
    "Enrollment",
    "EnrollmentCheck",
    "Erasure",
    "Explanation",
    "ExportedGallery",
    "Gallery",
    "Identification",
    "IdentifiedEverybody",
    "ImportedGallery",
    "Job",
    "JobCounts",
    "ListedJob",
    "MediaNotFound",
    "Merge",
    "NotAllowed",
    "NotAuthenticated",
    "PossibleDuplicate",
    "RetryPolicy",
    "SeenWalk",
    "ServiceUnreachable",
    "StillWorking",
    "StoredWalk",
    "Subject",
    "ThresholdSource",
    "TooManyRequests",
    "UnusableKey",
    "Verification",
    "Walk",
    "Walker",
    "WalkprintError",
]
