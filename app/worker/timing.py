"""How long a job took, and in which stage."""

from __future__ import annotations

from time import perf_counter


class Timing:
    """What an answer says of its own making, in milliseconds.

    Args:
        waited_ms: how long the job waited for a thread.

    Attributes:
        stages_ms: so far, by stage.
    """

    def __init__(self, waited_ms: float) -> None:
        self.stages_ms: dict[str, float] = {"queue": round(waited_ms, 2)}
        self._begun = perf_counter()

    def until_now(self) -> dict[str, float]:
        """The stages, and the total with the wait."""
        run_ms = (perf_counter() - self._begun) * 1000
        return {**self.stages_ms, "total": round(self.stages_ms["queue"] + run_ms, 2)}
