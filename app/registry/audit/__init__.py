"""The audit log: who did what, in a chain that cannot be changed unnoticed (docs/audit.md)."""

from app.registry.audit.actions import Action
from app.registry.audit.chain import note

__all__ = ["Action", "note"]
