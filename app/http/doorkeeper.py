"""How many connections there may be, what each may take, and who goes when there are too many."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.http.connections import GuardedConnection

# Left for the database, uploads, decoders and libraries.
_OTHER_FILES = 256
_MOST_FILES = 65_536


LEAVING = "walkprint.leaving"
"""In the scope of each request: an event that is set when the server stops."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection, and all of them together, may take.

    Attributes:
        head_bytes: request line and headers together.
        address_bytes: path and query; the longest that routes take is some 4 KiB.
        head_fields: headers of one request.
        head_seconds: from the first byte of a request, or from the connection, to the end of its
            headers.
        unread_seconds: how often it is looked whether a waiting answer is being read.
        read_bytes_per_second: the slowest reading on average between two looks.
        connections: at the same time, of this process.
    """

    head_bytes: int = 32 * 1024
    address_bytes: int = 8 * 1024
    head_fields: int = 100
    head_seconds: float = 10.0
    unread_seconds: float = 30.0
    read_bytes_per_second: float = 1024.0
    connections: int = 4000


@dataclass
class Doorkeeper:
    """Knows which connections have not sent a whole head yet, the longest first.

    When there are too many connections, it is one of those that has to go: whoever means it has
    sent a head within milliseconds.

    Attributes:
        limits: for every connection.
        at_the_door: connections that have still to send a head.
        inside: all others.
        leaving: set when the server stops.
    """

    limits: ConnectionLimits
    at_the_door: dict[GuardedConnection, None] = field(default_factory=dict)
    inside: set[GuardedConnection] = field(default_factory=set)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    def knocks(self, connection: GuardedConnection) -> bool:
        """Notes a connection that is new, or begins another request; False when there is no room
        and nobody could be sent away for it."""
        self.inside.discard(connection)
        if len(self.inside) >= self.limits.connections:
            return False
        if len(self.inside) + len(self.at_the_door) >= self.limits.connections:
            next(iter(self.at_the_door)).send_away()
        self.at_the_door[connection] = None
        return True

    def enters(self, connection: GuardedConnection) -> None:
        """Notes that its head has arrived."""
        self.at_the_door.pop(connection, None)
        self.inside.add(connection)

    def leaves(self, connection: GuardedConnection) -> None:
        """Forgets it."""
        self.at_the_door.pop(connection, None)
        self.inside.discard(connection)


def allow_files(connections: int) -> int:
    """Lets this process open as many files as it needs for its connections.

    Args:
        connections: wanted at the same time.

    Returns:
        How many of them the system has room for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(2 * connections + _OTHER_FILES, _MOST_FILES)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(16, min(connections, (soft - _OTHER_FILES) // 2))
