"""Links to pictures that expire, in the two forms that Volcengine signs them."""

import base64
import hmac
import re
import time
from calendar import timegm
from urllib.parse import parse_qs, quote, urlencode

from jimeng.local.simulator.ledger import Row

VISUAL = re.compile(
    r"/image/tos-cn-i-simulator/(\w+)-(\d+)~tplv-simulator-image\.image"
)
ARK = re.compile(r"/image/[\w.-]+/(\w+)_(\d+)\.(?:jpeg|png)")
DATE = "%Y%m%dT%H%M%SZ"


class Links:
    """Signed so that a restart of the simulator honours them."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"links of the simulator", "sha256")

    def visual(self, row: Row, index: int, expires: float) -> str:
        """Path and query of a link that Visual gives, until Unix time *expires*."""
        name = f"{row.task_id}-{index}~tplv-simulator-image.image"
        path = f"/image/tos-cn-i-simulator/{name}"
        signature = quote(self._signature(path, str(int(expires))), safe="")
        query = f"rk3s=00000000&x-expires={int(expires)}&x-signature={signature}"
        return f"{path}?{query}"

    def ark(self, row: Row, index: int, now: float, lifetime: float) -> str:
        """Path and query of a link that Ark gives at *now*, for *lifetime* seconds."""
        path = f"/image/{row.req_key}/{row.task_id}_{index}.{row.picture.lower()}"
        date = time.strftime(DATE, time.gmtime(now))
        signed = f"{date} {int(lifetime)}"
        query = {
            "X-Tos-Algorithm": "TOS4-HMAC-SHA256",
            "X-Tos-Credential": f"DEMO/{date[:8]}/cn-beijing/tos/request",
            "X-Tos-Date": date,
            "X-Tos-Expires": str(int(lifetime)),
            "X-Tos-Signature": self._digest(path, signed).hex(),
            "X-Tos-SignedHeaders": "host",
        }
        return f"{path}?{urlencode(query)}"

    def open(self, path: str, query: str, now: float) -> tuple[str, int] | None:
        """The task's id and which picture; None for a link wrong or expired."""
        values = {name: found[0] for name, found in parse_qs(query).items()}
        if found := VISUAL.fullmatch(path):
            expires = values.get("x-expires", "")
            good = self._signature(path, expires)
            sent = values.get("x-signature", "")
        elif found := ARK.fullmatch(path):
            date, lifetime = values.get("X-Tos-Date", ""), values.get("X-Tos-Expires")
            good = self._digest(path, f"{date} {lifetime}").hex()
            sent = values.get("X-Tos-Signature", "")
        else:
            return None
        if not hmac.compare_digest(sent.encode(), good.encode()):
            return None
        # From here on what was sent is known to have been written here.
        if "X-Tos-Date" in values:
            start = timegm(time.strptime(values["X-Tos-Date"], DATE))
            expires = str(start + int(values["X-Tos-Expires"]))
        return (found[1], int(found[2])) if now < int(expires) else None

    def _signature(self, path: str, expires: str) -> str:
        return base64.b64encode(self._digest(path, expires)).decode()

    def _digest(self, path: str, signed: str) -> bytes:
        return hmac.digest(self._key, f"{path}\n{signed}".encode(), "sha256")[:20]
