"""Vectors in a Milvus that all processes share, in step with SQL; docs/milvus.md."""

from app.search.milvus.connection import IndexAway, IndexBehind, MilvusNotInstalled, Server
from app.search.milvus.indexes import MilvusIndexes

__all__ = ["IndexAway", "IndexBehind", "MilvusIndexes", "MilvusNotInstalled", "Server"]
