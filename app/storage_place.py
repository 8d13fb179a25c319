"""Where uploads lie, as the settings say it: a folder's path, or a bucket's URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """Where uploads lie.

    Attributes:
        folder: shared by several machines; None elsewhere.
        bucket: that speaks S3; None elsewhere.
        prefix: of the keys in the bucket; ends with a slash, or is empty.
    """

    folder: Path | None = None
    bucket: str | None = None
    prefix: str = ""

    @classmethod
    def parse(cls, text: str | None) -> StoragePlace:
        """Reads the setting.

        Args:
            text: `s3://bucket/prefix`, `file:///folder`, a folder, or None for the data folder's
                own.

        Raises:
            ValueError: it is none of these, or s3fs is missing.
        """
        if text is None:
            return cls()
        if "://" not in text:
            return cls(folder=_absolute(text))
        url = urlsplit(text)
        if url.scheme == "file":
            if url.netloc not in ("", "localhost"):
                raise ValueError("storage: a file URL has three slashes, as in file:///srv/uploads")
            return cls(folder=_absolute(unquote(url.path)))
        if url.scheme != "s3":
            raise ValueError("storage: it is a folder, file:///folder or s3://bucket/prefix")
        prefix = url.path.strip("/")
        if not _BUCKET.fullmatch(url.netloc) or url.query or not _PREFIX.fullmatch(prefix):
            raise ValueError(
                "storage: it must read s3://bucket/prefix; credentials come from the environment"
                " (AWS_ACCESS_KEY_ID and so on), the server from storage_endpoint"
            )
        if find_spec("s3fs") is None:
            raise ValueError(
                "storage: s3:// needs s3fs, which is not installed: pip install 'walkprint[s3]'"
            )
        return cls(bucket=url.netloc, prefix=f"{prefix}/" if prefix else "")


def _absolute(text: str) -> Path:
    folder = Path(text)
    if not folder.is_absolute():
        raise ValueError("storage: the folder's path must begin with a slash")
    return folder
