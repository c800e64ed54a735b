"""
Where the bytes of pictures are: MongoDB, a directory, or both while they move.

Only `jobs` and what stands above may import it.
"""

from jimeng.storage.chosen import Chosen, Store, choose
from jimeng.storage.files import FileStore
from jimeng.storage.moving import Holding, NotTheSame, move, overview

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
