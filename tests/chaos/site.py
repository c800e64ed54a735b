"""The installation that is broken: databases, simulator, web, consumers."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from jimeng.local.embedded import Redis
from tests.databases import Mongo
from tests.system.stack import CONSUMER, MONKEY, Stack, wait_for

LIMIT = 6  # pictures at a time, in the simulator and in the configuration
DURATION = 0.5  # seconds a picture
CONSUMERS = 3


class Site:
    """
    Args:
        folder: For data and logs.
        monkey: Chance of the haunted consumer to die, at each side of each write.
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
            limit=LIMIT,
            duration=DURATION,
            VOLCENGINE_CONCURRENCY=str(LIMIT),
            USER_MAX_PENDING="10000",
            LOG_LEVEL="warning",
        )
        self._monkey = monkey
        self._seed = 0
        self.deaths = 0
        self._lock = threading.RLock()

    def start(self) -> None:
        self.keep_alive()
        self.stack.await_ready()
        wait_for(self.is_provider_set, 20, "the provider answers")

    def is_provider_set(self) -> bool:
        """Whether the simulator answers and has our settings; it forgets them."""
        try:
            self.set_simulator(plain=True, sigma=0.3)
        except OSError:
            return False
        return True

    def set_simulator(self, **settings: object) -> None:
        self.stack.ask(
            "POST", "/_simulator/settings", settings, url=self.stack.simulator_url
        )

    def spoil(self, action: str, kind: str, times: int, seconds: float = 0.0) -> None:
        """Let the provider's next answers go wrong."""
        fault = {"action": action, "kind": kind, "times": times, "seconds": seconds}
        self.stack.ask(
            "POST", "/_simulator/faults", [fault], url=self.stack.simulator_url
        )

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
            MONKEY_LEASE="25",
        )

    def add_consumer(self, prefix: list[str], seconds: float) -> None:
        """A further consumer behind the command *prefix*, for some seconds."""
        odd = self.stack.start(CONSUMER, "odd-consumer", prefix=prefix)
        time.sleep(seconds)
        os.killpg(odd.pid, signal.SIGKILL)
        odd.wait()

    def freeze(self, process: subprocess.Popen, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while: a machine that pauses."""
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def freeze_group(self, group: int, seconds: float) -> None:
        os.killpg(group, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(group, signal.SIGCONT)

    def restart(self, server: Mongo | Redis) -> None:
        """SIGKILL to a database, which then starts on what it had on disk."""
        assert server.child is not None
        server.child.kill()
        server.spawn()
        assert server.await_ready(time.monotonic() + 60)

    def stop(self) -> None:
        self.stack.stop()
        self.redis.stop()
        self.mongo.stop()
