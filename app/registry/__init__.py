"""Subjects, walks, galleries and jobs in SQL: the truth that every index is a cache of."""

from app.registry.activations import Serving, ServingChanged
from app.registry.checkpoints import InstalledCheckpoint, NewCheckpoint
from app.registry.columns import new_id, utc_now
from app.registry.enrollment import Enrolled, Enrollment, NewWalk
from app.registry.erasure import Erasure
from app.registry.fields import clean_gallery, clean_metadata, clean_name, clean_subject
from app.registry.galleries import Gallery
from app.registry.gallery_rules import GalleryRules
from app.registry.job import AddedJob, Home, IdempotencyKey, Job, JobKind, JobState, NewJob
from app.registry.leases import LeaseLost, Released, SubjectErased
from app.registry.merge import Merge
from app.registry.reembedding import Reembedding, StoredGei
from app.registry.registry import Registry
from app.registry.subjects import UNSET, Subject, SubjectPage, Unset
from app.registry.switching import Switch
from app.registry.walks import Walk

__all__ = [
    "UNSET",
    "AddedJob",
    "Enrolled",
    "Enrollment",
    "Erasure",
    "Gallery",
    "GalleryRules",
    "Home",
    "IdempotencyKey",
    "InstalledCheckpoint",
    "Job",
    "JobKind",
    "JobState",
    "LeaseLost",
    "Merge",
    "NewCheckpoint",
    "NewJob",
    "NewWalk",
    "Reembedding",
    "Registry",
    "Released",
    "Serving",
    "ServingChanged",
    "StoredGei",
    "Subject",
    "SubjectErased",
    "SubjectPage",
    "Switch",
    "Unset",
    "Walk",
    "clean_gallery",
    "clean_metadata",
    "clean_name",
    "clean_subject",
    "new_id",
    "utc_now",
]
