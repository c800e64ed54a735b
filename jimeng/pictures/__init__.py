"""Pictures as files: decode, normalise, resize, and store them."""

from jimeng.pictures.decoder import (
    MAX_WAITING,
    FittedPicture,
    NormalisedPicture,
    Picture,
    encode,
    fit,
    fit_mask,
    inspect,
    normalise,
    shrink,
)
from jimeng.pictures.decoding import PREVIEW_SIDE, THUMBNAIL_SIDE
from jimeng.pictures.normalising import stored_size
