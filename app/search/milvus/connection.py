"""The connection to a Milvus, and what its failures mean."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, TypeVar

import structlog

from app.outages import Outage

IndexKind: TypeAlias = Literal["flat", "hnsw", "ivf_sq8"]
"""How Milvus finds neighbours: by comparing all; through a graph; in some of many cells, with a
byte for each value."""

PATIENCE_SECONDS: Final = 5.0
"""For one answer of Milvus. pymilvus tries again and again until then."""

_MISSING = 100
"""Milvus's code for a collection that is not there, of servers since 2.3 and of Milvus Lite."""
_MISTAKEN = 1100
"""Of a call that will fail the same way again: its parameters are wrong."""

_Answer = TypeVar("_Answer")

_log = structlog.get_logger(__name__)


class MilvusNotInstalled(Exception):
    """WALKPRINT_INDEX=milvus, and the packages for it are missing: install `walkprint[milvus]`."""


class CollectionGone(Exception):
    """A collection that was there once is there no more."""


class IndexAway(Outage):
    """The index server does not answer. Enrolments and erasures go on; searches wait for it."""

    slug = "index-away"
    title = "The index server does not answer"


class IndexBehind(Outage):
    """The index is being brought up to date and has not come far enough. Try again a little later.

    So it is after a gallery was imported, or when its index is made anew.
    """

    slug = "index-behind"
    title = "The index is being brought up to date"


class Server:
    """A Milvus; connects when it is first needed, and again after it was away.

    Args:
        uri: http://host:19530 of a server, or a file that ends in .db for Milvus Lite, which one
            process alone can use.
        token: user:password or an API key; empty for none.
        prefix: what names of this service's collections begin with. Every collection that begins
            with it, an underscore, and is not in use is dropped.
        kind: how new collections find neighbours.

    Raises:
        MilvusNotInstalled: there is no pymilvus.
    """

    def __init__(
        self, uri: str, *, token: str = "", prefix: str = "walkprint", kind: IndexKind = "flat"
    ) -> None:
        try:
            # Only here, where Milvus was asked for: the import takes two seconds.
            import pymilvus  # noqa: PLC0415
        except ImportError as error:
            raise MilvusNotInstalled(
                "WALKPRINT_INDEX=milvus needs pymilvus: pip install 'walkprint[milvus]'"
            ) from error
        # It logs each failure with a traceback; here they are logged once, in a sentence.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self.prefix = prefix
        self.kind: IndexKind = kind
        self._uri = uri
        self._token = token
        self._pymilvus: Any = pymilvus
        self._client: Any = None
        self._lock = threading.Lock()

    @property
    def types(self) -> Any:
        """pymilvus's names of data types."""
        return self._pymilvus.DataType

    def call(self, what: Callable[[Any], _Answer]) -> _Answer:
        """Asks Milvus for something.

        Args:
            what: given the client, `pymilvus.MilvusClient`.

        Raises:
            CollectionGone: what it is about is not there.
            IndexAway: there is no answer, or Milvus cannot give one at the moment.
        """
        errors = self._pymilvus.exceptions
        try:
            return what(self._connected())
        except errors.MilvusException as error:
            if error.code == _MISSING or isinstance(error, errors.CollectionNotExistException):
                raise CollectionGone(str(error)) from error
            if error.code == _MISTAKEN or isinstance(
                error, errors.ParamError | errors.DataNotMatchException
            ):
                raise
            raise self._away(error) from error
        except self._pymilvus.client.grpc_handler.grpc.RpcError as error:
            raise self._away(error) from error

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._pymilvus.MilvusClient(
                    self._uri, token=self._token, timeout=PATIENCE_SECONDS
                )
            return self._client

    def _away(self, error: Exception) -> IndexAway:
        _log.warning("the index server does not answer", reason=str(error)[:500])
        # A channel that failed waits longer and longer before it tries again; a new one does not.
        with self._lock:
            self._client = None
        return IndexAway("The index server does not answer, or cannot at the moment.")
