"""
The bytes of pictures: looked at, described, and kept.

`storage`, `jobs`, `migrations`, `backup`, `inputs`, `tasks`, `sharing` and the doors
may import it; it knows no Flask.
"""

from jimeng.pictures.decoding import PREVIEW_SIDE, THUMBNAIL_SIDE
from jimeng.pictures.inspection import (
    MAX_WAITING,
    GivenPicture,
    Picture,
    encode,
    fit,
    fit_mask,
    inspect,
    normalise,
    shrink,
)
from jimeng.pictures.normalising import made_small
