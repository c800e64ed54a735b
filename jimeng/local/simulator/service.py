"""The service behind both APIs: the ledger, the pictures, and the faults."""

import base64
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from jimeng.local.simulator.ark_responses import ArkCall
from jimeng.local.simulator.faults import Fault, Faults, seconds_in_prompt
from jimeng.local.simulator.ledger import Full, Ledger, Row
from jimeng.local.simulator.pictures import Links, picture_of
from jimeng.local.simulator.settings import Settings
from jimeng.local.simulator.visual_models import Body
from jimeng.local.simulator.visual_responses import Answer, Call

log = logging.getLogger(__name__)

MAX_SEED = 2**31 - 1


class Service:
    """
    The state of all accounts.

    Args:
        limits: Account name -> limit of running tasks, for accounts with their own.
        clock: Unix time, by which tasks progress and links expire.
        dice: The source of durations, and of seeds for requests without one.
    """

    def __init__(
        self,
        ledger: Ledger,
        links: Links,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        dice: random.Random,
        limits: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.ledger = ledger
        self.links = links
        self.settings = settings
        self.faults = Faults()
        self.limits = limits
        self._clock = clock
        self._dice = dice

    @property
    def now(self) -> float:
        return self._clock() + self.settings.clock_offset

    def duration(self, prompt: str) -> float:
        """Seconds that a task for *prompt* takes."""
        wanted = seconds_in_prompt(prompt)
        if wanted is not None:
            return wanted
        spread = self._dice.lognormvariate(0, self.settings.sigma)
        return self.settings.duration * spread

    def enter(
        self,
        call: Call | ArkCall,
        body: Body,
        *,
        limit: int,
        per_minute: int = 0,
        size: tuple[int, int],
        **about: Any,
    ) -> Row | Full:
        """
        Enter a task into the ledger, or return the limit that it would exceed.

        Args:
            limit: As in `Ledger.accept`, for accounts without their own limit.
            about: Further fields of its `Row`.
        """
        prompt, seed, now = str(body.get("prompt", "")), body.get("seed"), self.now
        is_known = isinstance(seed, int) and seed >= 0  # else a random one
        row = Row(
            prompt=prompt,
            seed=int(str(seed)) if is_known else self._dice.randrange(MAX_SEED),
            width=size[0],
            height=size[1],
            request_id=call.request_id,
            accepted_at=now,
            finished_at=now + self.duration(prompt),
            account=call.account,
            **about,
        )
        limit = self.limits.get(row.account, limit)
        if full := self.ledger.accept(row, limit=limit, per_minute=per_minute):
            return full
        log.info(
            "task accepted id=%s model=%s size=%sx%s images=%s seconds=%.1f request=%s",
            *(row.task_id, row.req_key, row.width, row.height, row.images),
            *(row.finished_at - row.accepted_at, call.request_id),
        )
        return row

    def fault_of_order(self, action: str, prompt: object) -> Fault | None:
        """The fault to inject into a submission, if any."""
        fault = self.faults.take(action)
        if fault is None and isinstance(prompt, str):
            fault = self.faults.in_prompt(action, prompt, prompt)
        return fault

    def order(
        self, call: Call | ArkCall, fault: Fault | None, carry_out: Callable[[], Answer]
    ) -> Answer:
        """Perform a submission, unless *fault* prevents it, and inject the fault."""
        if fault is None:
            return carry_out()
        answer = carry_out() if fault.accepted else Answer(200, b"")
        # A refusal is sent unchanged: faults only replace successful responses.
        if fault.accepted and answer.status != 200:
            return answer
        log.info("order spoiled kind=%s request=%s", fault.kind, call.request_id)
        return fault.apply(call, answer)

    def image(self, call: Call, path: str, query: str) -> Answer:
        """Respond to the download of a link."""
        self.ledger.count("image")
        found = self.links.open(path, query, self.now)
        counted = "downloads = downloads + 1"
        row = self.ledger.change(found[0], counted) if found else None
        if found is None or row is None:
            return Answer(403, b"signature expired or wrong", "text/plain", code=403)
        fault = self.faults.take("image") or self._fault_of_image(row)
        answer = self._picture(row, found[1])
        log.info("image sent id=%s bytes=%s", row.task_id, len(answer.body))
        return fault.apply(call, answer) if fault else answer

    def link(self, host: str, row: Row, index: int, kind: str) -> str:
        """
        Create an expiring link to a picture.

        Args:
            kind: The fault injected into the result, or ``""``.
        """
        lifetime = -1 if kind == "expired_link" else self.settings.url_ttl
        return f"http://{host}{self.links.make(row, index, self.now + lifetime)}"

    def coded(self, call: Call | ArkCall, row: Row, index: int) -> str:
        """The picture in base64, for a response without links."""
        answer = self._picture(row, index)
        fault = self._fault_of_image(row)
        body = fault.apply(call, answer).body if fault else answer.body
        return base64.b64encode(body).decode()

    def reset(self, settings: Settings) -> None:
        """Delete tasks, counters and faults, and replace the settings."""
        self.ledger.clear()
        self.faults.clear()
        self.settings = replace(settings)

    def _picture(self, row: Row, index: int) -> Answer:
        data = picture_of(row, index, plain=self.settings.plain)
        return Answer(200, data, f"image/{row.picture.lower()}")

    def _fault_of_image(self, row: Row) -> Fault | None:
        return self.faults.in_prompt("image", row.prompt, row.task_id)
