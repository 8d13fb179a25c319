"""Run by Alembic. The connection, and its transaction, come from app.registry.migration."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.registry.columns import UtcDateTime
from app.registry.tables import metadata


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Writes the app's own column type as the plain one it stores, so old revisions stay true."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can only change a table by copying it; Alembic does so in batch mode.
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
    # SQLite too rolls DDL back; Alembic would otherwise run it outside a transaction there.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
