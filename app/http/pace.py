"""How slowly a body may come: a pause is allowed, dripping is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from starlette.types import Message, Receive

from app.http.problems import UploadStalled


@dataclass(frozen=True, slots=True)
class SlowestBody:
    """The slowest body that is read to its end.

    Attributes:
        grace_seconds: of waiting for the caller, at any moment.
        bytes_per_second: that win back a second of waiting each.
    """

    grace_seconds: float = 30.0
    bytes_per_second: float = 1024.0


class Pace:
    """Waits for the pieces of one body, within a credit that waiting uses up and bytes win back.

    Only the time that the service waits for its caller counts: while it stores what came, nothing
    runs out.

    Args:
        receive: the server's.
        slowest: that is read.
    """

    def __init__(self, receive: Receive, slowest: SlowestBody) -> None:
        self._receive = receive
        self._slowest = slowest
        self._credit_seconds = slowest.grace_seconds

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            UploadStalled: it does not come, or all came too slowly.
        """
        begun = monotonic()
        try:
            async with asyncio.timeout(max(self._credit_seconds, 0.0)):
                message = await self._receive()
        except TimeoutError:
            slowest = self._slowest
            raise UploadStalled(
                f"The body comes at less than {slowest.bytes_per_second:g} bytes a second, for more"
                f" than {slowest.grace_seconds:g} seconds."
            ) from None
        won = len(message.get("body", b"")) / self._slowest.bytes_per_second
        left = self._credit_seconds - (monotonic() - begun) + won
        self._credit_seconds = min(left, self._slowest.grace_seconds)
        return message
