"""What keeps stored biometrics from being opened."""

from __future__ import annotations

from app.errors import Problem


class MasterKeyMissing(Problem):
    """Something is encrypted under a master key that this service was not given."""

    status = 503
    slug = "master-key-missing"
    title = "The service lacks the key to what it stores"
    advice = (
        "The operator gives the service the master key of this fingerprint, as"
        " WALKPRINT_MASTER_KEY_FILE, or among WALKPRINT_OLD_MASTER_KEYS (docs/encryption.md)."
    )

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"The database is encrypted under the master key {fingerprint}, which is not set.",
            fingerprint=fingerprint,
        )


class StoredDataDamaged(Problem):
    """What is stored was changed by something else than this service, or its key is gone."""

    status = 500
    slug = "stored-data-damaged"
    title = "Stored data cannot be decrypted"
    advice = (
        "Restore a backup; or erase the walk or the subject that is named, and enrol them again."
    )
