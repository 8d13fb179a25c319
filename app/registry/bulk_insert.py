"""Thousands of rows into a table at once: COPY on PostgreSQL, one prepared INSERT on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, TableClause, insert


def insert_many(
    connection: Connection,
    target: TableClause,
    postgresql_types: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Inserts rows; columns that are not named get their defaults.

    Args:
        connection: of a writing transaction.
        target: the table and the columns that are given. JSON columns are `Text` in it: their
            values come as JSON text.
        postgresql_types: name of each column's type; "text" for JSON.
        rows: values in the order of the columns.
    """
    if not rows:
        return
    names = [column.name for column in target.columns]
    if connection.dialect.name == "sqlite":
        connection.execute(insert(target), [dict(zip(names, row, strict=True)) for row in rows])
    else:
        driver = connection.connection.driver_connection
        _copy(driver, target.name, names, postgresql_types, rows)


def _copy(
    driver: Any,
    table_name: str,
    names: Sequence[str],
    types: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    # psycopg stands only where PostgreSQL is used.
    from psycopg import sql  # noqa: PLC0415

    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table_name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
