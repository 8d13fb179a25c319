"""A bucket that speaks S3, through fsspec's s3fs: the few calls that uploads need.

Importing it loads aiobotocore, so only a service whose settings name a bucket does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import botocore.exceptions
import s3fs

from app.outages import Outage, StorageAway, StorageFull

PART_BYTES: Final = 8 * 1024 * 1024
"""Of a multipart upload; S3 takes 5 MiB to 5 GiB and at most 10,000 of them."""

_MOST_KEYS = 1000  # of one deletion
_FETCHED_AT_ONCE = 16
_ATTEMPTS = 3
_CLIENT: Final[dict[str, Any]] = {
    "connect_timeout": 3,
    "read_timeout": 20,
    "max_pool_connections": 32,
    "retries": {"total_max_attempts": 1},  # s3fs counts attempts itself
    # Servers other than Amazon's know the older checksums only.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
_ABORTED = "The bucket of uploads lost an upload before it was complete."
_GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
_FULL = frozenset({"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "507"})
_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AllAccessDisabled",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)


class Found(NamedTuple):
    """An object, or an upload that is not complete.

    Attributes:
        key: in the bucket, without the prefix.
        changed_at: by the bucket's clock.
        upload_id: of an upload that is not complete.
    """

    key: str
    changed_at: datetime
    upload_id: str | None = None


class Bucket:
    """Objects under one prefix. Credentials come from the environment, as for AWS's own tools.

    Every method raises `Outage` where the bucket is away, closed to us or full. Safe for threads to
    share; each call waits for the network.

    Args:
        name: of the bucket.
        prefix: of every key; ends with a slash, or is empty.
        endpoint: URL of the server; None means Amazon's.
    """

    def __init__(self, name: str, prefix: str, endpoint: str | None) -> None:
        self._name = name
        self._prefix = prefix
        self._files: Any = s3fs.S3FileSystem(
            endpoint_url=endpoint,
            max_concurrency=1,  # else each fetched file takes ten blocks of memory
            use_listings_cache=False,
            skip_instance_cache=True,
            config_kwargs=_CLIENT,
        )
        self._files.retries = _ATTEMPTS

    def put(self, key: str, data: bytes) -> None:
        """Writes an object of at most one part."""
        self._call("put_object", Key=self._prefix + key, Body=data)

    def begin(self, key: str) -> str:
        """Begins an object of several parts; gives what it is called until it is complete."""
        begun = self._call("create_multipart_upload", Key=self._prefix + key)
        return str(begun["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Writes a part; gives its tag."""
        try:
            put = self._call(
                "upload_part",
                Key=self._prefix + key,
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
            )
        except FileNotFoundError as error:
            raise StorageAway(_ABORTED) from error
        return str(put["ETag"])

    def complete(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Makes the object of its parts."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        try:
            self._call(
                "complete_multipart_upload",
                Key=self._prefix + key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
        except FileNotFoundError as error:
            # Also so where it was done, the answer was lost, and s3fs asked again.
            if not any(self.objects(key)):
                raise StorageAway(_ABORTED) from error

    def abort(self, key: str, upload_id: str) -> None:
        """Removes the parts of what is not complete; what is gone is no error."""
        try:
            self._call("abort_multipart_upload", Key=self._prefix + key, UploadId=upload_id)
        except FileNotFoundError:
            return

    def get(self, keys: Sequence[str], paths: Sequence[Path]) -> None:
        """Reads objects into files, in pieces of 64 KiB.

        Raises:
            FileNotFoundError: one of them is not there.
        """
        sources = [f"{self._name}/{self._prefix}{key}" for key in keys]
        with _outages_named():
            self._files.get(sources, [str(path) for path in paths], batch_size=_FETCHED_AT_ONCE)

    def delete(self, keys: Collection[str]) -> None:
        """Removes objects; those already gone are no error."""
        wanted = [{"Key": self._prefix + key} for key in keys]
        for start in range(0, len(wanted), _MOST_KEYS):
            removal = {"Objects": wanted[start : start + _MOST_KEYS], "Quiet": True}
            errors = self._call("delete_objects", Delete=removal).get("Errors") or []
            refused = [each for each in errors if each.get("Code") not in _GONE]
            if refused:  # answered as a success with a list of failures
                raise _outage(str(refused[0].get("Code")))

    def objects(self, start: str) -> Iterator[Found]:
        """Every object whose key begins with `start`."""
        more: dict[str, Any] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=self._prefix + start, **more)
            for each in page.get("Contents", []):
                yield Found(each["Key"][len(self._prefix) :], each["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def halves(self, start: str) -> Iterator[Found]:
        """Every upload that is not complete and whose key begins with `start`."""
        more: dict[str, Any] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=self._prefix + start, **more)
            for each in page.get("Uploads") or []:
                key = each["Key"][len(self._prefix) :]
                yield Found(key, each["Initiated"], each["UploadId"])
            if not page.get("IsTruncated"):
                return
            more = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    def keeps_versions(self) -> bool:
        """Whether what is deleted stays behind as an old version."""
        return bool(self._call("get_bucket_versioning").get("Status") == "Enabled")

    def close(self) -> None:
        """Ends the connections."""
        client = self._files._s3
        if client is not None:
            self._files.close_session(self._files.loop, client)

    def _call(self, method: str, **arguments: object) -> dict[str, Any]:
        with _outages_named():
            answer: dict[str, Any] = self._files.call_s3(method, Bucket=self._name, **arguments)
            return answer


@contextmanager
def _outages_named() -> Iterator[None]:
    """Raises what a bucket says, or fails to say, as an outage; what this machine says as it came.

    Raises:
        FileNotFoundError: the object or the upload is not there.
        Outage: whatever else is wrong with the bucket.
    """
    try:
        yield
    except Exception as error:
        cause = error.__cause__ or error  # s3fs gives most errors the names of Python's own
        if isinstance(cause, botocore.exceptions.ClientError):
            code = str(cause.response.get("Error", {}).get("Code"))
            if code in _GONE:
                raise FileNotFoundError(code) from error
            raise _outage(code) from error
        if isinstance(cause, botocore.exceptions.NoCredentialsError):
            raise StorageAway("There are no credentials for the bucket of uploads.") from error
        if isinstance(
            cause,
            botocore.exceptions.BotoCoreError
            | aiohttp.ClientError
            | ConnectionError
            | TimeoutError,
        ):
            raise StorageAway("The bucket of uploads does not answer.") from error
        raise


def _outage(code: str) -> Outage:
    """By S3's error code."""
    if code in _FULL:
        return StorageFull("The bucket of uploads has no room left.")
    if code == "NoSuchBucket":
        return StorageAway("The bucket of uploads does not exist.")
    if code in _DENIED:
        return StorageAway("The bucket of uploads does not let the service in.")
    return StorageAway("The bucket of uploads cannot do what it was asked.")
