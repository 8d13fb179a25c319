"""How often one caller may call, and how often one address may fail to say who it is.

Each process counts for itself, in memory: n processes grant n times as much. What is counted falls
due continuously (a sliding window of a minute), so a limit cannot be had twice around a full hour.
"""

from __future__ import annotations

import ipaddress
import math
import secrets
import time
from hashlib import blake2b

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.errors import Problem
from app.http.caller import Caller

_WINDOW_SECONDS = 60
# Whoever holds a /32 of IPv6 has four thousand million networks to come from. Failures are counted
# in so many places, whatever comes: two addresses may share one, and then share the limit.
_PLACES = 4096
# The smallest part of IPv6 that is given to one customer (RFC 6177 gives more).
_IPV6_NETWORK_BITS = 64


class TooManyRequests(Problem):
    """You called more often than your key, or your address, may. Nothing of this call was done."""

    status = 429
    slug = "too-many-requests"
    title = "Too many requests"
    advice = "Wait for the seconds in Retry-After, then send the call again, and call less often."

    def __init__(self, detail: str, *, limit: int, window_seconds: int, wait_seconds: int) -> None:
        super().__init__(
            detail, limit=limit, window_seconds=window_seconds, retry_after_seconds=wait_seconds
        )
        self.wait_seconds = wait_seconds

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(self.wait_seconds)}


class RateLimits:
    """The counts of one process. May be shared by threads.

    Args:
        requests_per_minute: of a caller who has no limit of their own; 0 for as many as they like.
        failures_per_minute: of one address; 0 for as many as it likes.
        window_seconds: what the two count in; a minute unless a test is in a hurry.
    """

    def __init__(
        self,
        *,
        requests_per_minute: int,
        failures_per_minute: int,
        window_seconds: int = _WINDOW_SECONDS,
    ) -> None:
        self._requests_per_minute = requests_per_minute
        self._failures_per_minute = failures_per_minute
        self._window_seconds = window_seconds
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())
        # Nobody outside can choose an address that shares its place with another's.
        self._place_key = secrets.token_bytes(16)

    def admit(self, caller: Caller) -> None:
        """Counts one call of somebody who was recognised.

        Args:
            caller: whose `requests_per_minute` goes before the service's own.

        Raises:
            TooManyRequests: they have had as many as they may; this one is not counted.
        """
        own = caller.requests_per_minute
        most = self._requests_per_minute if own is None else own
        self._count(most, "caller", caller.name, "You may call {limit} times in {window} s.")

    def count_failure(self, address: str) -> None:
        """Counts one call of somebody who was not recognised.

        Only what has failed is ever counted and refused here: whoever brings a right key passes,
        however often others behind the same address guess.

        Args:
            address: the client's, as the server saw it; anything that is no IP address counts
                under its own name.

        Raises:
            TooManyRequests: the address has failed as often as it may.
        """
        self._count(
            self._failures_per_minute,
            "failure",
            str(self._place(address)),
            "From one address, {limit} calls without a right key are answered in {window} s.",
        )

    def _count(self, most: int, kind: str, who: str, sentence: str) -> None:
        if most == 0:
            return
        limit = RateLimitItemPerSecond(most, self._window_seconds, namespace=kind)
        if not self._counts.hit(limit, who):
            raise TooManyRequests(
                sentence.format(limit=most, window=self._window_seconds),
                limit=most,
                window_seconds=self._window_seconds,
                wait_seconds=self._wait_seconds(limit, who),
            )

    def _wait_seconds(self, limit: RateLimitItem, who: str) -> int:
        free_at = self._counts.get_window_stats(limit, who).reset_time
        return max(1, math.ceil(free_at - time.time()))

    def _place(self, address: str) -> int:
        digest = blake2b(_network(address).encode(), digest_size=8, key=self._place_key).digest()
        return int.from_bytes(digest, "big") % _PLACES


def _network(address: str) -> str:
    """What one customer of a network provider has: an IPv4 address, or a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, _IPV6_NETWORK_BITS), strict=False))
    return str(ip)
