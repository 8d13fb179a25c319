"""Writes the next revision: `python -m migrations 0002 "keys and audit"`.

Compares `app/registry/tables.py` with a fresh database at head and drafts the difference into
`migrations/versions/`; read and correct the draft before it is committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from app.registry.database import Database
from app.registry.migration import alembic_config, upgrade


def main(revision_id: str, message: str) -> None:
    """Drafts one revision.

    Args:
        revision_id: number of the revision, four digits.
        message: what changes, in a few words.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'head.db'}")
        upgrade(database)
        with database.write() as connection:
            command.revision(
                alembic_config(connection), message=message, rev_id=revision_id, autogenerate=True
            )
        database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
