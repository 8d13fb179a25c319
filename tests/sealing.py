"""Master keys for tests, and what is in a database, byte for byte."""

from __future__ import annotations

import base64
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import LargeBinary, make_url, select

from app.registry.database import Database
from app.registry.sealing import MasterKeySource, open_master_keys
from app.registry.tables import metadata

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()


def master_keys_of(key: str, *old: str) -> MasterKeySource:
    """The keys, as a service has them from its environment."""
    source = open_master_keys(SecretStr(key), SecretStr(",".join(old)), None)
    assert source is not None
    return source


def stored_bytes(url: str) -> bytes:
    """What a thief of the database has: SQLite's files, or every binary column of PostgreSQL."""
    if url.startswith("sqlite"):
        file = Path(str(make_url(url).database))
        return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))
    database = Database(url)
    with database.read() as connection:
        values = [
            value or b""
            for table in metadata.sorted_tables
            for column in table.columns
            if isinstance(column.type, LargeBinary)
            for value in connection.execute(select(column)).scalars()
        ]
    database.close()
    return b"\0".join(values)
