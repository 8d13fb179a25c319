"""From the settings to the storage of a process."""

from __future__ import annotations

from app.settings import Settings
from app.worker.storage.folder_shelf import FolderShelf
from app.worker.storage.uploads import UploadStorage


def open_storage(settings: Settings, instance_id: str) -> UploadStorage:
    """Opens what `WALKPRINT_STORAGE` names; waits for no network.

    Args:
        settings: `storage`, and what belongs to it.
        instance_id: this process.
    """
    place = settings.storage_place
    if place.bucket is not None:
        # Imported here, for they take s3fs along.
        from app.worker.storage.bucket import Bucket  # noqa: PLC0415
        from app.worker.storage.bucket_shelf import BucketShelf  # noqa: PLC0415

        bucket = Bucket(place.bucket, place.prefix, settings.storage_endpoint)
        return UploadStorage(BucketShelf(bucket, settings.uploads_folder), instance_id)
    if place.folder is not None:
        return UploadStorage(FolderShelf(place.folder, is_shared=True), instance_id)
    return UploadStorage(settings.uploads_folder, instance_id)
