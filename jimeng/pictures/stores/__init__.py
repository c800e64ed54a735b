"""Stores of files: GridFS, a directory, S3, or several while files are moved."""

from jimeng.pictures.stores.configured import ConfiguredStore, Store, choose
from jimeng.pictures.stores.files import FileStore
from jimeng.pictures.stores.moving import CopyDiffers, Holding, move, overview

__all__ = [
    "ConfiguredStore",
    "FileStore",
    "CopyDiffers",
    "Holding",
    "Store",
    "choose",
    "move",
    "overview",
]
