"""The installation that is broken: databases, simulator, web, consumers."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jimeng.providers import MODELS
from tests.chaos.load import PICTURE, PREFIX, SHOP, VIDEOS, ask
from tests.databases import Mongo, Redis, kill, revive
from tests.system.stack import CONSUMER, MONKEY, Stack
from tests.waiting import wait_for

LIMIT = 6  # pictures at a time, in the simulator and in the configuration
DURATION = 0.5  # seconds a picture
CONSUMERS = 3
SEEDS = 5_000_000  # of what faults ask for themselves
SPOILT_WITHIN = 20.0  # seconds in which the provider meets what it was told
MAX_KEPT = 1.1  # seconds that an answer of the probe is good for


class Site:
    """
    Args:
        folder: For data and logs.
        monkey: Chance of the haunted consumer to die, at each side of each write.

    Attributes:
        asked: Tasks that faults have asked for, and were taken.
        said: How often readiness was seen to say what is missing, while a fault that
            must be noticed was held until it was.
    """

    def __init__(self, folder: Path, *, monkey: float) -> None:
        self.mongo, self.redis = Mongo(folder / "mongo"), Redis(folder / "redis")
        self.mongo.start()
        self.redis.start()
        self.stack = Stack(
            folder,
            self.mongo.uri,
            self.redis.url,
            database="chaos",
            fresh=True,
            limit=LIMIT,
            duration=DURATION,
            VOLCENGINE_CONCURRENCY=str(LIMIT),
            ARK_API_KEY="ark-key-of-chaos",
            ARK_CONCURRENCY="4",
            USER_MAX_PENDING="10000",
            USER_MAX_PENDING_VIDEOS="10000",
            DAILY_BUDGET="100000",
            LOG_LEVEL="warning",
        )
        self._monkey = monkey
        self._seed = 0
        self.deaths = 0
        self.asked: list[str] = []
        self.said: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._frozen: set[int] = set()
        self._counted: Counter[str] = Counter()

    def start(self) -> None:
        self.keep_alive()
        self.stack.await_ready()
        owner = {"_id": SHOP, "email": SHOP, "email_key": SHOP, "name": SHOP}
        with self.stack.database() as found:
            budget = {"daily_budget_micros": 10**11, "user_prefixes": [PREFIX]}
            found.users.insert_one({**owner, **budget})
        wait_for(self.is_provider_set, what="the provider answers")
        # Nobody polls a video before it may be ready: a minute, as far as is known.
        for model in MODELS:
            if model.id in {each["model"] for each in VIDEOS}:
                self.stack.remember_durations(model.lane, DURATION)

    def is_provider_set(self) -> bool:
        """Whether the simulator answers and has our settings; it forgets them."""
        try:
            self.stack.simulate(plain=True, sigma=0.3)
        except OSError:
            return False
        return True

    def spoil(self, action: str, kind: str, times: int, seconds: float = 0.0) -> None:
        """
        Let the provider's next answers go wrong, and wait until they have.

        Raises:
            IndexError: too few were asked for.
        """
        fault = {"action": action, "kind": kind, "times": times, "seconds": seconds}
        self._add_faults(fault)
        end = time.monotonic() + SPOILT_WITHIN
        while self._add_faults():
            if time.monotonic() > end:
                raise IndexError(f"nobody met {kind}")
            time.sleep(0.1)

    def links_gone(self) -> int:
        """How often a consumer has met a link that had ended."""
        names = (f"consumer{number}" for number in range(CONSUMERS))
        return sum(self.stack.log(name).count("link gone") for name in names)

    def _add_faults(self, *faults: dict) -> int:
        """How many are waiting then."""
        path, url = "/_simulator/faults", self.stack.simulator_url
        return self.stack.ask("POST", path, faults, url=url)[1]["waiting"]

    def keep_alive(self) -> None:
        """Start again what has died, as a supervisor would."""
        with self._lock:
            stack = self.stack
            for dead in [c for c in stack.consumers if c.poll() is not None]:
                stack.consumers.remove(dead)
                self.deaths += 1
            while len(stack.consumers) < CONSUMERS:
                self._start_consumer()
            if stack.web.poll() is not None:
                stack.web = stack.start_web()
            if stack.simulator.poll() is not None:
                stack.start_simulator()

    def _start_consumer(self) -> None:
        haunted = self._monkey and self._seed % CONSUMERS == 0
        self._seed += 1
        self.stack.start_consumer(
            MONKEY if haunted else CONSUMER,
            MONKEY_SEED=str(self._seed),
            MONKEY_CHANCE=str(self._monkey),
        )

    def add_consumer(self, prefix: list[str], seconds: float) -> None:
        """A further consumer behind the command *prefix*, for some seconds."""
        odd = self.stack.start(CONSUMER, "odd-consumer", prefix=prefix)
        time.sleep(seconds)
        os.killpg(odd.pid, signal.SIGKILL)
        odd.wait()

    def freeze(self, process: subprocess.Popen, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while: a machine that pauses."""
        self._frozen.add(process.pid)
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        self._frozen.discard(process.pid)

    @property
    def running(self) -> list[subprocess.Popen]:
        """The consumers that are not frozen."""
        return [c for c in self.stack.consumers if c.pid not in self._frozen]

    def restart(self, server: Mongo | Redis) -> None:
        """SIGKILL to a database, which then starts on what it had on disk."""
        kill(server)
        revive(server)

    def count(self, what: str) -> int:
        """How often this was called for *what* before."""
        self._counted[what] += 1
        return self._counted[what] - 1

    def submit(self, **fields: object) -> str:
        """Ask for a picture or what *fields* say until it is taken; the task's id."""
        seed = SEEDS + self.count("submit")
        body: dict = {"prompt": "chaos", "user_id": "beside", "seed": seed}
        body |= {**(fields if "type" in fields else PICTURE), **fields}

        def taken() -> str | None:
            status, answer = ask(self.stack, f"fault-{seed}", body)
            is_known = status in {0, 202} or status >= 500
            assert is_known, f"{status} for {fields}: {answer}"
            return answer["data"]["task_id"] if status == 202 else None

        task_id = wait_for(taken, what="a task of a fault is taken")
        self.asked.append(task_id)
        return task_id

    def missing(self) -> list[str] | None:
        """What readiness says is missing; None if nobody answers."""
        try:
            return self.stack.ask("GET", "/health/ready")[1].get("missing", [])
        except (OSError, ValueError):
            return None

    def await_missing(self, *codes: str) -> None:
        """
        Wait until readiness says one of *codes*.

        Raises:
            AssertionError: it never does.
        """

        def is_said() -> set[str]:
            return {*codes}.intersection(self.missing() or ())

        (code, *_) = wait_for(is_said, what=f"readiness says {codes}")
        self.said[code] += 1

    def await_ready(self) -> None:
        """Wait until readiness has nothing to say, as of now."""
        time.sleep(MAX_KEPT)
        wait_for(lambda: self.missing() == [], what="it is ready again")

    def aside(self, work: Callable[[], object]) -> threading.Thread:
        """Do it in a thread."""
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def stop(self) -> None:
        self.stack.stop()
        self.redis.stop()
        self.mongo.stop()
