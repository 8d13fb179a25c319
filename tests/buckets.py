"""A real server that speaks S3, for tests: moto's, in a process of its own on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import botocore.session
import httpx
from botocore.config import Config

from app.demo.service_process import free_port

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "only-for-tests",
    "AWS_SECRET_ACCESS_KEY": "only-for-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Credentials that moto takes and nobody else does."""


@dataclass(frozen=True)
class BucketServer:
    """A running server.

    Attributes:
        endpoint: its URL.
        process: its id, to look at what it uses.
    """

    endpoint: str
    process: int

    @property
    def client(self) -> Any:
        """A client of Amazon's own making, to look at what is really there."""
        return botocore.session.Session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def new_bucket(self) -> str:
        """Makes an empty bucket; returns its name."""
        name = f"uploads-{uuid4().hex}"
        self.client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        """The objects of a bucket, but for signs of life."""
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [each["Key"] for each in found if ".alive/" not in each["Key"]]

    def halves(self, bucket: str) -> list[str]:
        """The keys of uploads that are not complete."""
        found = self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [each["Key"] for each in found]


@contextmanager
def bucket_server(**environment: str) -> Iterator[BucketServer]:
    """Starts a server, and stops it at the end.

    Args:
        environment: more variables for it.
    """
    port = free_port()
    with subprocess.Popen(  # noqa: S603 - our own interpreter and a fixed module
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 20), **environment},
    ) as process:
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(endpoint)
            yield BucketServer(endpoint, process.pid)
        finally:
            process.kill()


def _wait_until_it_answers(endpoint: str) -> None:
    deadline = time.monotonic() + 60.0
    while True:
        with suppress(httpx.TransportError):
            httpx.get(f"{endpoint}/moto-api/data.json").raise_for_status()
            return
        assert time.monotonic() < deadline, "the S3 server does not start"
        time.sleep(0.05)


class Cable:
    """A connection to a server that can be pulled out: who calls then is refused.

    Args:
        endpoint: URL of the server.
    """

    def __init__(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("http://").split(":")
        self._server = (host, int(port))
        self._port = free_port()
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self.plug_in()

    def plug_in(self) -> None:
        """Lets callers through."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener = listener
        self._begin(self._accept, listener)

    def pull_out(self) -> None:
        """Breaks every connection, and takes no more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        while self._threads:
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._threads.pop().join()
        while self._ends:
            self._ends.pop().close()

    def _begin(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()  # first: who pulls the cable out joins what is listed
        self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._server)
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    self._begin(_copy, source, sink)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
