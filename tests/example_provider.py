"""A custom image provider: the example of docs/AI_PROVIDER_ARCHITECTURE.md."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from jimeng.config import Config
from jimeng.config.values import between, parse_url, setting
from jimeng.errors import ProviderError
from jimeng.providers.models import Model
from jimeng.providers.models.model import PriceBySize, Step, Takes
from jimeng.providers.provider import ImageRequest, Progress, Provider
from jimeng.providers.rules import (
    RATE_LIMITED,
    REFUSED,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Rule,
)
from jimeng.providers.transport import CallFailed, Transport

SIZES = {"1:1": (512, 512), "16:9": (768, 432)}
OIL = Model(
    id="easel-oil",
    provider="easel",
    req_key="oil",
    sizes=SIZES,
    hd_sizes=SIZES,
    sides=(256, 1024),
    takes_seed=False,
    own_price=PriceBySize(  # 0.15 yuan
        (Step(None, micros=150_000),), as_of=date(2026, 11, 1)
    ),
)
COPY = Model(
    id="easel-copy",
    provider="easel",
    req_key="copy",
    task="image-to-image",
    takes=Takes(most=2, sides=(64, 2048), max_bytes=2_000_000),
    sizes=SIZES,
    hd_sizes=SIZES,
    sides=(256, 1024),
    takes_seed=False,
)
RULES = {"words": Rule(code="content_refused_prompt"), "full": RATE_LIMITED}


@dataclass(frozen=True, kw_only=True)
class EaselConfig(Config):
    """The settings; in jimeng itself these three are fields of `Config`."""

    EASEL_KEY: str = setting("", secret=True, credential=True)
    EASEL_URL: str = setting("https://easel.example", parse_url)
    EASEL_CONCURRENCY: int = setting(2, between(1, 100, int))


class EaselProvider(Provider):
    """Submits by ``POST /paintings``, and polls by ``GET /paintings/<id>``."""

    name = "easel"
    label = ("画架", "Easel")
    settings = ("EASEL_KEY", "EASEL_URL", "EASEL_CONCURRENCY")
    models = (OIL, COPY)
    rules = RULES

    def __init__(self, config: EaselConfig) -> None:
        self._url, self._key = f"{config.EASEL_URL}/paintings", config.EASEL_KEY
        self.concurrency = config.EASEL_CONCURRENCY
        self._transport = Transport()

    @classmethod
    def from_config(cls, config: Config, models: Iterable[Model]) -> Self | None:
        is_set = isinstance(config, EaselConfig) and config.EASEL_KEY
        return cls(config) if is_set else None

    def submit(self, request: ImageRequest) -> Progress:
        size = {"width": request.width, "height": request.height}
        order = {"style": request.req_key, "text": request.prompt, **size}
        if request.inputs:
            codes = [base64.b64encode(each.data).decode() for each in request.inputs]
            order["pictures"] = codes
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
            raise RULES.get(why, REFUSED).error(why, provider_code=why)
        return found


def failed(method: str, *, sent: bool) -> ProviderError:
    """Polls may be repeated; a submission that was perhaps accepted may not."""
    is_submit = method == "POST"
    rule = SUBMIT_UNKNOWN if is_submit and sent else UNREACHABLE
    return rule.error(method, is_submit=is_submit)
