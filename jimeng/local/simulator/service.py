"""What both APIs share: the account's ledger, its pictures, and misbehaviour."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from jimeng.local.simulator.answers import Answer, Call
from jimeng.local.simulator.ark_answers import ArkCall
from jimeng.local.simulator.faults import Fault, Faults, seconds_in_prompt
from jimeng.local.simulator.ledger import Ledger, Row
from jimeng.local.simulator.links import Links
from jimeng.local.simulator.pictures import Pictures
from jimeng.local.simulator.settings import Settings

log = logging.getLogger(__name__)

MAX_SEED = 2**31 - 1


class Service:
    """
    All accounts.

    Args:
        limits: Of the accounts whose limit is their own: name -> running tasks.
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
        limits: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.ledger = ledger
        self.links = links
        self.settings = settings
        self.faults = Faults()
        self.limits = limits
        self._pictures = Pictures()
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

    def seed(self, wanted: object) -> int:
        """*wanted*, or one at random for -1 and for nothing."""
        known = isinstance(wanted, int) and wanted >= 0
        return int(str(wanted)) if known else self._dice.randrange(MAX_SEED)

    def fault_of_order(self, action: str, prompt: object) -> Fault | None:
        """The fault that befalls a call which orders a picture."""
        fault = self.faults.take(action)
        if fault is None and isinstance(prompt, str):
            fault = self.faults.in_prompt(action, prompt, prompt)
        return fault

    def order(
        self, call: Call | ArkCall, fault: Fault | None, carry_out: Callable[[], Answer]
    ) -> Answer:
        """Carry out a call that orders a picture, unless and until *fault*."""
        if fault is None:
            return carry_out()
        answer = carry_out() if fault.accepted else Answer(200, b"")
        # What is refused anyway stays refused: a fault spoils only good answers.
        if fault.accepted and answer.status != 200:
            return answer
        log.info("order spoiled kind=%s request=%s", fault.kind, call.request_id)
        return fault.spoil(call, answer)

    def image(self, call: Call, path: str, query: str) -> Answer:
        """Answer the download of a link."""
        self.ledger.count("image")
        found = self.links.open(path, query, self.now)
        row = self.ledger.downloaded(found[0]) if found else None
        if found is None or row is None:
            return Answer(403, b"signature expired or wrong", "text/plain", code=403)
        fault = self.faults.take("image") or self._fault_of_image(row)
        answer = self._picture(row, found[1])
        log.info("image sent id=%s bytes=%s", row.task_id, len(answer.body))
        return fault.spoil(call, answer) if fault else answer

    def picture(self, call: Call | ArkCall, row: Row, index: int) -> bytes:
        """The bytes that go into an answer instead of a link."""
        answer = self._picture(row, index)
        fault = self._fault_of_image(row)
        return fault.spoil(call, answer).body if fault else answer.body

    def reset(self, settings: Settings) -> None:
        """Forget tasks, counters and faults, and set *settings*."""
        self.ledger.clear()
        self.faults.clear()
        self.settings = replace(settings)

    def _picture(self, row: Row, index: int) -> Answer:
        data = self._pictures.get(row, index, plain=self.settings.plain)
        return Answer(200, data, f"image/{row.picture.lower()}")

    def _fault_of_image(self, row: Row) -> Fault | None:
        return self.faults.in_prompt("image", row.prompt, row.task_id)
