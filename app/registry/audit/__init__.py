"""The audit log: who did what, in a chain that cannot be changed unnoticed (docs/audit.md)."""

from app.registry.audit.actions import ACTIONS, Action
from app.registry.audit.chain import note

__all__ = ["ACTIONS", "Action", "note"]
