"""Estimates as benchmarks print them."""

from __future__ import annotations

from model.bootstrap import Estimate


def in_percent(one: Estimate) -> str:
    """With its interval in brackets."""
    return f"{100 * one.value:.1f} [{100 * one.low:.1f}–{100 * one.high:.1f}]"
