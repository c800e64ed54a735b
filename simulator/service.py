"""The service behind both APIs: the ledger, the pictures, and the faults."""

import base64
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from simulator import videos
from simulator.ark_responses import ArkCall
from simulator.faults import Fault, Faults, seconds_in_prompt
from simulator.ledger import Full, Ledger, Row
from simulator.pictures import LAST_FRAME, Links, picture_of
from simulator.settings import Settings
from simulator.signatures import Received
from simulator.visual_models import Body
from simulator.visual_responses import Answer, Call

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
        queues: bool = False,
        size: tuple[int, int],
        **about: Any,
    ) -> Row | Full:
        """
        Enter a task into the ledger, or return the limit that it would exceed.

        Args:
            limit: As in `Ledger.accept`, for accounts without their own limit.
            queues: As in `Ledger.accept`.
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
            finished_at=now,
            takes=self.duration(prompt),
            account=call.account,
            **about,
        ).starting(now)
        limit = self.limit_of(row.account, limit)
        row_or_limit = self.ledger.accept(
            row, limit=limit, per_minute=per_minute, queues=queues
        )
        if not isinstance(row_or_limit, Row):
            return row_or_limit
        row = row_or_limit
        log.info(
            "task accepted id=%s model=%s size=%sx%s images=%s seconds=%.1f request=%s",
            *(row.task_id, row.req_key, row.width, row.height, row.images),
            *(row.finished_at - row.accepted_at, call.request_id),
        )
        return row

    def limit_of(self, account: str, limit: int) -> int:
        """The account's limit of running tasks; *limit* if it has none of its own."""
        return self.limits.get(account, limit)

    def fault_of_poll(self, action: str, row: Row) -> Fault | None:
        """The fault to inject into a poll of *row*, if any."""
        done = row.ending == "done" and self.now >= row.finished_at
        if fault := self.faults.take(action, done=done):
            return fault
        fault = self.faults.in_prompt(action, row.prompt, row.task_id, done=done)
        # A code that ends the task is stored as its outcome, and reported at its end.
        return None if fault and fault.ends else fault

    def end(self, row: Row, fault: Fault) -> Row:
        """End a task, at once if it is running, with the fault's code."""
        end = "outcome = ?, finished_at = min(finished_at, ?)"
        return self.ledger.change(row.task_id, end, fault.kind, self.now) or row

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
        log.info(
            "fault applied to order kind=%s request=%s", fault.kind, call.request_id
        )
        return fault.apply(call, answer)

    def download(self, call: Call, received: Received) -> Answer:
        """Respond to the download of a link."""
        found = self.links.open(received.path, received.query, self.now)
        row = self.ledger.find(found[0]) if found else None
        if found is None or row is None:
            return Answer(403, b"signature expired or wrong", "text/plain", code=403)
        action = "video" if row.video and found[1] != LAST_FRAME else "image"
        self.ledger.count(action)
        self.ledger.change(row.task_id, "downloads = downloads + 1")
        fault = self.faults.take(action) or self._fault_of_file(action, row)
        kind = fault.kind if fault else ""
        answer = self._file(row, found[1], kind)
        if action == "video":
            answer = videos.ranged(answer, received.headers, kind)
        log.info("%s sent id=%s bytes=%s", action, row.task_id, answer.length)
        return fault.apply(call, answer) if fault else answer

    def link(self, host: str, row: Row, index: int, kind: str) -> str:
        """
        Create an expiring link to a picture or a video.

        Args:
            kind: The fault injected into the result, or ``""``.
        """
        is_short = row.video and not row.expires_at  # of Visual
        settings = self.settings
        lifetime = settings.video_url_ttl if is_short else settings.url_ttl
        if kind == "expired_link":
            lifetime = -1
        return f"http://{host}{self.links.make(row, index, self.now + lifetime)}"

    def coded(self, call: Call | ArkCall, row: Row, index: int) -> str:
        """The picture in base64, for a response without links."""
        answer = self._file(row, index, "")
        fault = self._fault_of_file("image", row)
        body = fault.apply(call, answer).body if fault else answer.body
        return base64.b64encode(body).decode()

    def reset(self, settings: Settings) -> None:
        """Delete tasks, counters and faults, and replace the settings."""
        self.ledger.clear()
        self.faults.clear()
        self.settings = replace(settings)

    def _file(self, row: Row, index: int, kind: str) -> Answer:
        """
        Args:
            kind: The fault to inject into the content, or ``""``.
        """
        settings = self.settings
        if row.video and index == LAST_FRAME:
            return videos.still_of(row, plain=settings.plain)
        if row.video:
            size = settings.video_bytes
            return videos.file_of(row, plain=settings.plain, kind=kind, size=size)
        data = picture_of(row, index, plain=settings.plain)
        return Answer(200, data, f"image/{row.picture.lower()}")

    def _fault_of_file(self, action: str, row: Row) -> Fault | None:
        return self.faults.in_prompt(action, row.prompt, row.task_id)
