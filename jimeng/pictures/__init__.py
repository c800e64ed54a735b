"""
The bytes of pictures: looked at, described, and kept.

`jobs`, `inputs`, `tasks` and the doors may import it; it knows no Flask.
"""

from jimeng.pictures.encoding import encode, shrink
from jimeng.pictures.inspection import (
    GivenPicture,
    Picture,
    fit,
    fit_mask,
    inspect,
    normalise,
)
from jimeng.pictures.normalising import made_small
