"""The pictures of finished tasks, and the links under which they are found."""

import base64
import hmac
import io
import re
import threading
from collections import OrderedDict
from urllib.parse import parse_qs, quote

from PIL import Image

from jimeng.simulator.drawing import draw
from jimeng.simulator.ledger import Row

PATH = re.compile(r"/image/tos-cn-i-simulator/(\d+)-0~tplv-simulator-image\.image")
KEPT = 16  # pictures; a download that is tried again costs no drawing


class Links:
    """Links that expire, signed so that a restart of the simulator honours them."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"links of the simulator", "sha256")

    def sign(self, task_id: str, expires: float) -> str:
        """Path and query of a link to a picture until Unix time *expires*."""
        path = f"/image/tos-cn-i-simulator/{task_id}-0~tplv-simulator-image.image"
        signature = quote(self._signature(path, str(int(expires))), safe="")
        query = f"rk3s=00000000&x-expires={int(expires)}&x-signature={signature}"
        return f"{path}?{query}"

    def open(self, path: str, query: str, now: float) -> str | None:
        """The id of the task, or None for a link that is wrong or has expired."""
        found = PATH.fullmatch(path)
        values = parse_qs(query)
        expires = values.get("x-expires", [""])[0]
        signature = values.get("x-signature", [""])[0]
        if found is None or not hmac.compare_digest(
            signature.encode(), self._signature(path, expires).encode()
        ):
            return None
        return found[1] if now < int(expires) else None

    def _signature(self, path: str, expires: str) -> str:
        digest = hmac.digest(self._key, f"{path}\n{expires}".encode(), "sha256")
        return base64.b64encode(digest[:20]).decode()


class Pictures:
    """Draws each picture once, as long as it is among the last few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, bytes] = OrderedDict()

    def get(self, row: Row, kind: str, *, plain: bool) -> bytes:
        """
        The encoded picture of *row*.

        Args:
            kind: Pillow's name of the format.
            plain: One colour only.
        """
        wanted = ("", 0) if plain else (row.prompt, row.seed)
        key = (*wanted, row.width, row.height, kind)
        # One at a time: two drawings at once would only share the processor.
        with self._lock:
            if key not in self._kept:
                self._kept[key] = encode(row, kind, plain)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def encode(row: Row, kind: str, plain: bool) -> bytes:
    size = row.width, row.height
    if plain:
        picture = Image.new("RGB", size, "#6d83a8")
    else:
        picture = draw(row.prompt, row.seed, *size)
    out = io.BytesIO()
    picture.save(out, kind, quality=90)
    return out.getvalue()
