"""Where uploads lie while their job lasts: a folder, or a bucket that speaks S3."""

from app.worker.storage.folder_shelf import FolderShelf
from app.worker.storage.opening import open_storage
from app.worker.storage.shelf import Item, RecordingLost, Shelf, Sink, Stock
from app.worker.storage.upload_file import UploadFile
from app.worker.storage.uploads import UploadStorage

__all__ = [
    "FolderShelf",
    "Item",
    "RecordingLost",
    "Shelf",
    "Sink",
    "Stock",
    "UploadFile",
    "UploadStorage",
    "open_storage",
]
