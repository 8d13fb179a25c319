"""Alembic revisions, packaged so that an installed wheel can migrate its database."""
