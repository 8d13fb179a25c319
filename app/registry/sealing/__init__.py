"""Biometrics at rest: encrypted under one data key per subject, which a master key wraps.

What is stored is opened by the row it stands in and by nothing else: the id of the walk, and of a
vector's checkpoint too, are authenticated with it. docs/encryption.md says what that protects.
"""

from app.registry.sealing.data_keys import KEY_COLUMNS, StoredKey, stored_key
from app.registry.sealing.master_keys import (
    MasterKeys,
    MasterKeySource,
    MasterKeyUnusable,
    open_master_keys,
)
from app.registry.sealing.problems import MasterKeyMissing, StoredDataDamaged
from app.registry.sealing.resealing import Resealed, drop_unused_keys, reseal
from app.registry.sealing.vault import VECTOR_BYTES, Opening, Sealing, Stored, StoredOfJob, Vault

__all__ = [
    "KEY_COLUMNS",
    "VECTOR_BYTES",
    "MasterKeyMissing",
    "MasterKeySource",
    "MasterKeyUnusable",
    "MasterKeys",
    "Opening",
    "Resealed",
    "Sealing",
    "Stored",
    "StoredDataDamaged",
    "StoredKey",
    "StoredOfJob",
    "Vault",
    "drop_unused_keys",
    "open_master_keys",
    "reseal",
    "stored_key",
]
