"""Where the bytes of pictures are: MongoDB, a directory, or both while they move."""

from jimeng.pictures.stores.configured import Chosen, Store, choose
from jimeng.pictures.stores.files import FileStore
from jimeng.pictures.stores.moving import Holding, NotTheSame, move, overview

__all__ = [
    "Chosen",
    "FileStore",
    "NotTheSame",
    "Holding",
    "Store",
    "choose",
    "move",
    "overview",
]
