"""Galleries as files: out of one database, into another (docs/registry-exchange.md)."""

from app.registry.exchange.exchange import Exchange
from app.registry.exchange.report import ImportReport

__all__ = ["Exchange", "ImportReport"]
