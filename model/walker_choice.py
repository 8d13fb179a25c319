"""Whose walks of a recording are wanted. Stands alone: who only passes it on loads no capture."""

from __future__ import annotations

from typing import Literal

WalkerChoice = Literal["only", "largest", "all"]
"""Of the one person there may be, of the largest one, or of everybody."""
