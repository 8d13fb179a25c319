"""The service from Python: a typed client that imports neither torch nor OpenCV nor FAISS."""

from __future__ import annotations

from app.client.answers import Erasure, Gallery, Job, Merge, Subject
from app.client.api_key import UnusableKey
from app.client.client import DEFAULT_URL, Client
from app.client.connection import RetryPolicy
from app.client.exchange_calls import ExportedGallery, ImportedGallery
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
    ThresholdSource,
    Verification,
    Walk,
    Walker,
)

__all__ = [
    "DEFAULT_URL",
    "Candidate",
    "Client",
    "Enrollment",
    "Erasure",
    "ExportedGallery",
    "Gallery",
    "Identification",
    "IdentifiedEverybody",
    "ImportedGallery",
    "Job",
    "MediaNotFound",
    "Merge",
    "NotAllowed",
    "NotAuthenticated",
    "PossibleDuplicate",
    "RetryPolicy",
    "SeenWalk",
    "ServiceUnreachable",
    "StillWorking",
    "Subject",
    "ThresholdSource",
    "TooManyRequests",
    "UnusableKey",
    "Verification",
    "Walk",
    "Walker",
    "WalkprintError",
]
