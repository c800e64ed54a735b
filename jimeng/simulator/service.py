"""What the service does with a call whose signature is good."""

import base64
import json
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from jimeng.simulator.answers import ENDING, Answer, Call
from jimeng.simulator.faults import (
    Fault,
    Faults,
    ending_in_prompt,
    seconds_in_prompt,
)
from jimeng.simulator.ledger import Ledger, Row
from jimeng.simulator.pictures import Links, Pictures
from jimeng.simulator.req_keys import REQ_KEYS, ReqKey
from jimeng.simulator.settings import Settings

log = logging.getLogger(__name__)

VERSION = "2022-08-31"
RETENTION = 12 * 3600  # seconds for which the service knows a task
QUEUED = 0.15  # part of the duration that a task waits before it is drawn
MAX_QUEUED = 2.0  # seconds of it
MAX_SEED = 2**31 - 1

Body = Mapping[str, object]


class Service:
    """
    One account.

    Args:
        clock: Unix time; by it tasks go on and links expire.
        dice: Where durations, and seeds for who sent none, come from.
    """

    def __init__(
        self,
        ledger: Ledger,
        links: Links,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        dice: random.Random,
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self.faults = Faults()
        self._links = links
        self._pictures = Pictures()
        self._clock = clock
        self._dice = dice
        self._actions = {
            "CVSync2AsyncSubmitTask": self._submit,
            "CVSync2AsyncGetResult": self._poll,
        }

    @property
    def now(self) -> float:
        return self._clock() + self.settings.clock_offset

    def knows(self, action: str, version: str) -> bool:
        return action in self._actions and version == VERSION

    def call(self, call: Call, raw: bytes, host: str) -> Answer:
        """
        Carry out a signed call.

        Args:
            raw: The body.
            host: Under which the caller reaches this server, for links.
        """
        body = read_object(raw)
        if body is None:
            return call.business(50215)
        return self._actions[call.action](call, body, host)

    def image(self, call: Call, path: str, query: str) -> Answer:
        """Answer the download of a link."""
        self.ledger.count("image")
        task_id = self._links.open(path, query, self.now)
        row = self.ledger.downloaded(task_id) if task_id else None
        if row is None:
            return Answer(403, b"signature expired or wrong", "text/plain", code=403)
        fault = self.faults.take("image") or self._faults_of(row, "image")
        answer = self._picture(row)
        log.info("image sent id=%s bytes=%s", row.task_id, len(answer.body))
        return fault.spoil(call, answer) if fault else answer

    def _submit(self, call: Call, body: Body, host: str) -> Answer:
        self.ledger.count("submit")
        fault = self.faults.take("submit")
        if fault is None and isinstance(prompt := body.get("prompt"), str):
            fault = self.faults.in_prompt("submit", prompt, prompt)
        if fault is None:
            return self._accept(call, body)
        answer = self._accept(call, body) if fault.accepted else Answer(200, b"")
        # What is refused anyway stays refused: a fault spoils only good answers.
        if fault.accepted and answer.status != 200:
            return answer
        log.info("submission spoiled kind=%s request=%s", fault.kind, call.request_id)
        return fault.spoil(call, answer)

    def _accept(self, call: Call, body: Body) -> Answer:
        model = REQ_KEYS.get(str(body.get("req_key")))
        if model is None:
            return call.business(50400)
        if complaint := model.complaint(body):
            return call.business(50200, complaint)
        row = self._new_row(call, body, model)
        if not self.ledger.accept(row, limit=self.settings.limit):
            return call.business(50430)
        log.info(
            "task accepted id=%s req_key=%s size=%sx%s seconds=%.1f request=%s",
            row.task_id,
            row.req_key,
            row.width,
            row.height,
            row.finished_at - row.accepted_at,
            call.request_id,
        )
        return call.success({"task_id": row.task_id})

    def _new_row(self, call: Call, body: Body, model: ReqKey) -> Row:
        prompt, seed, now = str(body["prompt"]), body.get("seed", -1), self.now
        width, height = model.size(body)
        known = isinstance(seed, int) and seed >= 0
        return Row(
            task_id=str(7 * 10**18 + secrets.randbelow(10**18)),
            req_key=str(body["req_key"]),
            prompt=prompt,
            seed=int(str(seed)) if known else self._dice.randrange(MAX_SEED),
            width=width,
            height=height,
            request_id=call.request_id,
            accepted_at=now,
            finished_at=now + self.duration(prompt),
            outcome=ending_in_prompt(prompt, ENDING),
        )

    def duration(self, prompt: str) -> float:
        """Seconds that a task for *prompt* takes."""
        wanted = seconds_in_prompt(prompt)
        if wanted is not None:
            return wanted
        spread = self._dice.lognormvariate(0, self.settings.sigma)
        return self.settings.duration * spread

    def _poll(self, call: Call, body: Body, host: str) -> Answer:
        self.ledger.count("poll")
        row = self.ledger.polled(str(body.get("task_id")))
        if row is None or row.req_key != body.get("req_key"):
            return call.business(50215)
        fault = self.faults.take("poll") or self._faults_of(row, "poll")
        if fault is None:
            return self._progress(call, row, body, host)
        if fault.code in ENDING:
            self.ledger.end(row.task_id, fault.kind, self.now)
        log.info("poll spoiled id=%s kind=%s", row.task_id, fault.kind)
        return fault.spoil(call, self._progress(call, row, body, host))

    def _faults_of(self, row: Row, action: str) -> Fault | None:
        fault = self.faults.in_prompt(action, row.prompt, row.task_id)
        # A code that ends a task is its outcome and comes when its time is over.
        return None if fault and action == "poll" and fault.code in ENDING else fault

    def _progress(self, call: Call, row: Row, body: Body, host: str) -> Answer:
        now = self.now
        if now >= row.accepted_at + RETENTION:
            return call.progress("not_found")
        if now < row.finished_at:
            wait = min(QUEUED * (row.finished_at - row.accepted_at), MAX_QUEUED)
            is_waiting = now < row.accepted_at + wait
            return call.progress("in_queue" if is_waiting else "generating")
        if row.outcome != "done":
            return call.business(int(row.outcome))
        if self.settings.answer_base64 or not wants_urls(body):
            picture = self._picture(row)
            fault = self._faults_of(row, "image")
            picture = fault.spoil(call, picture) if fault else picture
            text = base64.b64encode(picture.body).decode()
            return call.progress("done", binary_data_base64=[text])
        link = self._links.sign(row.task_id, now + self.settings.url_ttl)
        return call.progress("done", image_urls=[f"http://{host}{link}"])

    def _picture(self, row: Row) -> Answer:
        kind = REQ_KEYS[row.req_key].picture
        data = self._pictures.get(row, kind, plain=self.settings.plain)
        return Answer(200, data, f"image/{kind.lower()}")

    def reset(self, settings: Settings) -> None:
        """Forget tasks, counters and faults, and set *settings*."""
        self.ledger.clear()
        self.faults.clear()
        self.settings = replace(settings)


def read_object(raw: bytes) -> Body | None:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def wants_urls(body: Body) -> bool:
    """Whether ``req_json``, which is text holding JSON, says ``return_url``."""
    text = body.get("req_json")
    wishes = read_object(text.encode()) if isinstance(text, str) else None
    return bool(wishes) and wishes.get("return_url") is True  # type: ignore[union-attr]
