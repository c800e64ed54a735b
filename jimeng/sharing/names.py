"""
What the pictures of a share are called in its addresses.

A name is 15 characters that tell nothing: not when a picture was made, nor its id, nor
how many there are. With the share's secret it says when the picture was made, by which
an index finds it, and is checked against its id. (Synthetic nonces: RFC 5297 in small.)
"""

import hmac
import re
from datetime import datetime, timedelta

from jimeng.documents import Image, Share
from jimeng.documents.cursors import EPOCH, in_letters, of_letters

MARK, TIME = 5, 6  # bytes
NAME = re.compile(r"[A-Za-z0-9_-]{15}")


def name_of(share: Share, image: Image) -> str:
    """The name of a picture, the same each time."""
    mark = _keyed(share, b"picture\0" + image.id.encode())[:MARK]
    milliseconds = (image.created_at - EPOCH) // timedelta(milliseconds=1)
    time = _hidden(share, mark, milliseconds.to_bytes(TIME, "big"))
    return in_letters(mark + time)


def time_of(share: Share, name: str) -> datetime | None:
    """When a picture of that name was made, if there is one; None for no name."""
    if not NAME.fullmatch(name):
        return None
    try:
        found = of_letters(name)
    except ValueError:
        return None
    mark, time = found[:MARK], found[MARK:]
    milliseconds = int.from_bytes(_hidden(share, mark, time), "big")
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _keyed(share: Share, text: bytes) -> bytes:
    return hmac.digest(share.secret.encode(), text, "sha256")


def _hidden(share: Share, mark: bytes, time: bytes) -> bytes:
    """*time* under a key that is used for it alone; once more, and it is plain."""
    key = _keyed(share, b"time\0" + mark)
    return bytes(a ^ b for a, b in zip(time, key, strict=False))
