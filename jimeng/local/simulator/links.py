"""Links to pictures that expire, in the form that Visual signs them."""

import base64
import hmac
import re
from urllib.parse import parse_qs, quote

from jimeng.local.simulator.ledger import Row

PATH = re.compile(r"/image/tos-cn-i-simulator/(\w+)-(\d+)~tplv-simulator-image\.image")


class Links:
    """Signed so that a restart of the simulator honours them."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"links of the simulator", "sha256")

    def make(self, row: Row, index: int, expires: float) -> str:
        """Path and query of a link that is good until Unix time *expires*."""
        name = f"{row.task_id}-{index}~tplv-simulator-image.image"
        path = f"/image/tos-cn-i-simulator/{name}"
        signature = quote(self._signature(path, str(int(expires))), safe="")
        query = f"rk3s=00000000&x-expires={int(expires)}&x-signature={signature}"
        return f"{path}?{query}"

    def open(self, path: str, query: str, now: float) -> tuple[str, int] | None:
        """The task's id and which picture; None for a link wrong or expired."""
        values = {name: found[0] for name, found in parse_qs(query).items()}
        found, expires = PATH.fullmatch(path), values.get("x-expires", "")
        sent, good = values.get("x-signature", ""), self._signature(path, expires)
        if not (found and hmac.compare_digest(sent.encode(), good.encode())):
            return None
        # From here on what was sent is known to have been written here.
        return (found[1], int(found[2])) if now < int(expires) else None

    def _signature(self, path: str, expires: str) -> str:
        digest = hmac.digest(self._key, f"{path}\n{expires}".encode(), "sha256")
        return base64.b64encode(digest[:20]).decode()
