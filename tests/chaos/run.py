"""One run: load and faults at once, then quiet, then the verdict."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import mongoengine
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng.billing.costs import yuan
from jimeng.documents import Generation, State, utcnow
from tests.chaos.faults import Fault, schedule
from tests.chaos.load import Load
from tests.chaos.site import Site
from tests.chaos.verdict import Verdict, connect, is_settled, judge, situation
from tests.waiting import meanwhile, wait_for

BETWEEN = (0.4, 2.4)  # seconds from one fault to the next
STRIKES = 3.0  # seconds that one takes, about
SETTLED_WITHIN = 90.0  # seconds after the last fault


@dataclass
class Report:
    """What was done, what came of it, and how long that took."""

    seed: int
    faults: Counter
    missed: list[str]  # faults that found nothing to break
    said: Counter  # what readiness said while it had to
    answers: Counter
    accepted: int
    deaths: int
    seconds: float
    settled_after: float
    verdict: Verdict

    def text(self) -> str:
        lines = [
            f"seed {self.seed}: {self.accepted} tasks, {self.faults.total()} faults, "
            f"{self.deaths} consumers died, {self.seconds:.0f} s",
            f"settled {self.settled_after:.0f} s after the last fault",
            f"tasks: {dict(self.verdict.statuses)}, "
            f"failures: {dict(self.verdict.codes)}",
            f"billed: {self.verdict.billed}, ¥{yuan(self.verdict.cost)}; "
            f"{self.verdict.videos} videos stored; "
            f"at a time at most: {self.verdict.high_water}",
            f"answers to requests: {dict(self.answers)}",
            f"readiness said no: {dict(self.said)}",
            f"faults that met what was just being restarted: {self.missed}",
            *(f"  {count:3} × {name}" for name, count in self.faults.most_common()),
            *(f"WRONG: {words}" for words in self.verdict.wrong),
        ]
        return "\n".join([*lines, "FAILED" if self.verdict.wrong else "kept"])


def run(
    folder: Path,
    *,
    tasks: int,
    faults: int,
    seed: int,
    monkey: float,
    with_long: bool = True,
    only: str = "",
    settled_within: float = SETTLED_WITHIN,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """
    Let *tasks* be asked for while *faults* strike, and judge what is left.

    Args:
        seed: Decides over faults, their order and their times.
        monkey: Chance of one of the consumers to die, at each side of each write.
        with_long: Let faults strike that take half a minute, too.
        only: Those with this in their names.
        settled_within: Seconds after the last fault.
    """
    choice = random.Random(seed)
    site = Site(folder, monkey=monkey)
    began = time.monotonic()
    try:
        site.start()
        plan = schedule(choice, faults, with_long=with_long, only=only)
        rate = tasks / (faults * (STRIKES + sum(BETWEEN) / 2) + 1)
        load = Load(site.stack, total=tasks, rate=rate, seed=seed)
        strikes = Strikes(site, choice, say)
        with meanwhile(site.keep_alive, 0.3):  # what has died is started again
            load.start()
            try:
                strikes.run(plan)
            finally:
                load.join()
            last = time.monotonic()
            connect(site)
            let_leases_pass()
            strikes.wrong += await_settled(settled_within)
        ended = time.monotonic()
        verdict = judge(site, load)
        verdict.wrong += strikes.wrong
        return Report(
            seed=seed,
            faults=strikes.happened,
            missed=strikes.missed,
            said=site.said,
            answers=load.answers,
            accepted=len(load.accepted),
            deaths=site.deaths,
            seconds=ended - began,
            settled_after=ended - last,
            verdict=verdict,
        )
    finally:
        mongoengine.disconnect()
        site.stop()


def let_leases_pass() -> None:
    """Whoever was killed while it stored a video holds it for four minutes."""
    earlier = {"$subtract": ["$due_at", 240_000]}
    Generation.collection().update_many(
        {"state": State.FETCHING.value}, [{"$set": {"due_at": earlier}}]
    )


def release_unknown_videos() -> None:
    """A video that may have been accepted holds its slot for five minutes."""
    now = utcnow()
    held = {"state": State.UNKNOWN.value, "slot": {"$exists": True}}
    later = {"due_at": {"$gt": now + timedelta(seconds=60)}}  # not a lease
    Generation.collection().update_many({**held, **later}, {"$set": {"due_at": now}})


def await_settled(within: float) -> list[str]:
    """Wait, and return what is wrong."""

    def look() -> bool:
        release_unknown_videos()
        return is_settled()

    try:
        wait_for(look, within, "all has settled")
    except AssertionError as error:
        return [f"{error}\n{situation()}"]
    return []


@dataclass
class Strikes:
    """
    Attributes:
        happened: How often each fault did.
        missed: Faults that met what was just being restarted.
        wrong: What was not as it should be while one lasted.
    """

    site: Site
    choice: random.Random
    say: Callable[[str], None]
    happened: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def run(self, plan: list[Fault]) -> None:
        """One fault after the other; some go on beside those that follow."""
        began, going_on = time.monotonic(), []
        for number, fault in enumerate(plan):
            self.say(f"{time.monotonic() - began:6.1f} s  {number + 1}  {fault.name}")
            thread = self.site.aside(lambda each=fault: self._strike(each))
            if fault.is_beside:
                going_on.append(thread)
            else:
                thread.join()
            time.sleep(self.choice.uniform(*BETWEEN))
        for thread in going_on:
            thread.join()

    def _strike(self, fault: Fault) -> None:
        """Let it strike; what is being restarted just now cannot be broken again."""
        try:
            fault.strike(self.site, self.choice)
        except (OSError, IndexError, PyMongoError, RedisError) as error:
            self.missed.append(fault.name)
            self.say(f"          missed: {fault.name}: {error!r}"[:200])
        except AssertionError as error:
            self.wrong.append(f"{fault.name}: {error}")
            self.say(f"          WRONG: {self.wrong[-1]}")
        else:
            self.happened[fault.name] += 1
