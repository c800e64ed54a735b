"""Stores of files: GridFS, a directory, S3, or several while files are moved."""

from jimeng.pictures.stores.configured import ConfiguredStore, choose
from jimeng.pictures.stores.files import FileStore
from jimeng.pictures.stores.gridfs import FileTooLarge
from jimeng.pictures.stores.moving import CopyDiffers, StoreSize, move, overview
from jimeng.pictures.stores.store import Store, StoredFile

__all__ = [
    "ConfiguredStore",
    "CopyDiffers",
    "FileStore",
    "FileTooLarge",
    "StoreSize",
    "Store",
    "StoredFile",
    "choose",
    "move",
    "overview",
]
