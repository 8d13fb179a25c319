"""What keeps a gallery from being protected."""

from __future__ import annotations

from app.errors import Problem


class ProtectionNeedsMasterKey(Problem):
    """The secret of a protected gallery is kept encrypted, and the service has no key for that."""

    status = 409
    slug = "protection-needs-master-key"
    title = "Protection needs a master key"
    advice = (
        "The operator gives the service a master key (docs/encryption.md). Beside templates whose"
        " rotation lies open, the rotation would protect nothing."
    )


class GalleryNotProtected(Problem):
    """Only what is protected can be given a new secret. Protect the gallery first."""

    status = 409
    slug = "gallery-not-protected"
    title = "The gallery is not protected"
    advice = "Protect it: `PUT /galleries/{gallery}/protection`."

    def __init__(self, gallery: str) -> None:
        super().__init__(f"Gallery '{gallery}' is not protected.", gallery=gallery)
