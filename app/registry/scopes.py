"""What a caller may be allowed to do."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Scope: TypeAlias = Literal["identify", "enroll", "subjects:read", "subjects:write", "admin"]
"""`identify`: searches and verifications. `enroll`: enrolments. `subjects:read`: who is known,
their walks and images. `subjects:write`: changes, merges, moves and erasures. `admin`: everything,
galleries, checkpoints, whole galleries as files, keys and the audit log included."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
