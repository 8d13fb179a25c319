"""Template protection: a secret rotation for each gallery, which leaves all scores what they are.

docs/template-protection.md says what that gives, and what it does not.
"""

from app.registry.rotation.problems import GalleryNotProtected, ProtectionNeedsMasterKey
from app.registry.rotation.rotation import PLAIN, Rotation
from app.registry.rotation.stored import ROTATION_COLUMNS, StoredRotation, stored_rotation

__all__ = [
    "PLAIN",
    "ROTATION_COLUMNS",
    "GalleryNotProtected",
    "ProtectionNeedsMasterKey",
    "Rotation",
    "StoredRotation",
    "stored_rotation",
]
