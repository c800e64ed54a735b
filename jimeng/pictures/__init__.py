"""The bytes of pictures: looked at, described, and kept."""

from jimeng.pictures.decoder import (
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
from jimeng.pictures.decoding import PREVIEW_SIDE, THUMBNAIL_SIDE
from jimeng.pictures.normalising import made_small
