"""Real Milvus Lite servers for tests: the engine that pymilvus starts for a file, over a port."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.search.milvus.connection import IndexKind, Server

# pymilvus asks every ten seconds whether the server lives. Milvus allows that; gRPC's default
# ends a connection that is asked a third time during one long call, as on a busy machine.
_RUN = """\
import sys
import grpc
from milvus_lite.adapter.grpc.server import start_server_in_thread
strict = grpc.server
grpc.server = lambda pool, options: strict(
    pool, options=[*options, ("grpc.http2.max_ping_strikes", 0)]
)
server, database, port = start_server_in_thread(
    data_dir=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2])
)
print(port, flush=True)
sys.stdin.read()
server.stop(grace=2)
database.close()
"""


@dataclass(frozen=True)
class MilvusServer:
    """A running server, or one that was stopped.

    Attributes:
        port: on loopback.
        prefix: of the collections of one test.
    """

    port: int
    prefix: str = "walkprint"

    def apart(self) -> MilvusServer:
        """The same for somebody else, who sees none of the others' collections."""
        return replace(self, prefix=f"test{secrets.token_hex(6)}")

    def connect(self, kind: IndexKind = "flat") -> Server:
        """A client of its own, as another process would have."""
        return Server(f"http://127.0.0.1:{self.port}", prefix=self.prefix, kind=kind)


@contextmanager
def milvus_server(folder: Path, port: int = 0) -> Iterator[MilvusServer]:
    """Starts a server in a process of its own and ends it.

    Args:
        folder: where its data lie, there or not.
        port: 0 lets the system choose.
    """
    process = subprocess.Popen(  # noqa: S603 (our own interpreter)
        [sys.executable, "-c", _RUN, str(folder / "milvus.db"), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield MilvusServer(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
