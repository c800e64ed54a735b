"""An image service of one's own: the example of docs/AI_PROVIDER_ARCHITECTURE.md."""

import json

from jimeng.errors import ProviderError
from jimeng.providers import ImageRequest, Model, Progress
from jimeng.providers.transport import CallFailed, Transport

NAME = "easel"
SIZES = {"1:1": (512, 512), "16:9": (768, 432)}
OIL = Model(
    id="easel-oil",
    provider=NAME,
    req_key="oil",
    sizes=SIZES,
    hd_sizes=SIZES,
    sides=(256, 1024),
    takes_seed=False,
)
# What it says -> our code, and whether the same call may go better later.
REFUSALS = {"words": ("content_refused_prompt", False), "full": ("rate_limited", True)}


class EaselProvider:
    """Paints on ``POST /paintings``, and shows on ``GET /paintings/<id>``."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = f"{url}/paintings", key
        self._transport = Transport()

    def submit(self, request: ImageRequest) -> Progress:
        size = {"width": request.width, "height": request.height}
        order = {"style": request.req_key, "text": request.prompt, **size}
        name = self._call("POST", self._url, order).get("id")
        if not isinstance(name, str):
            raise failed("POST", sent=True)
        return Progress(name)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        links = self._call("GET", f"{self._url}/{remote_id}").get("links") or []
        return Progress(remote_id, done=bool(links), urls=tuple(links))

    def check(self, req_key: str) -> bool:
        self._call("GET", self._url)
        return True

    def _call(self, method: str, url: str, order: dict | None = None) -> dict:
        headers = {"Authorization": f"Bearer {self._key}"}
        body = json.dumps(order).encode() if order else None
        try:
            answer = self._transport.call(
                method, url, headers=headers, body=body, fresh=True
            )
            found = json.loads(answer.body)
        except CallFailed as error:
            raise failed(method, sent=error.sent) from error
        except ValueError as error:
            raise failed(method, sent=True) from error
        if answer.status >= 500 or not isinstance(found, dict):
            raise failed(method, sent=True)
        if answer.status >= 400:
            why = str(found.get("error"))
            code, transient = REFUSALS.get(why, ("provider_refused", False))
            raise ProviderError(why, code=code, transient=transient, provider_code=why)
        return found


def failed(method: str, *, sent: bool) -> ProviderError:
    """Looking again is free; what was perhaps begun is not ordered twice."""
    lost = method == "POST" and sent
    code = "submit_unknown" if lost else "provider_unreachable"
    charged = "unknown" if sent else "no"
    return ProviderError(
        method, code=code, transient=not lost, maybe_accepted=lost, charged=charged
    )
