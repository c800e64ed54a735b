"""The processes of the whole product: web, consumers, and the simulator."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from jimeng.config import server
from tests.forks import Forked, constants
from tests.standin import CONF, ROOT, free_port
from tests.waiting import PATIENCE_S

Process = subprocess.Popen | Forked
KEYS = {"VOLCENGINE_ACCESS_KEY": "AKTEST", "VOLCENGINE_SECRET_KEY": "SKTEST"}
CONSUMER = [*server.WORKER]
WEB = [*server.WEB, "--config", str(CONF)]
GRACE = 10.0  # seconds
MONKEY = ["-m", "tests.system.monkey"]


class Processes:
    """
    Attributes:
        SIMULATOR: How the simulator is started.

    Args:
        limit: What the simulator, playing the provider, runs at a time.
        duration: Seconds that each of its pictures takes.
        web: Gunicorn's options.
        fresh: Whether processes are started in full, as an operator does, and not
            forked.
        accounts: Further ones of the simulator's, as its command line has them.
        settings: Environment of the product, besides.
    """

    SIMULATOR = ("-m", "simulator")

    def __init__(
        self,
        folder: Path,
        mongodb_uri: str,
        redis_url: str,
        *,
        database: str,
        limit: int = 2,
        duration: float = 0.3,
        web: Sequence[str] = ("--workers", "1"),
        fresh: bool = False,
        accounts: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.fresh = fresh
        self.port, self.simulator_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.simulator_url = f"http://127.0.0.1:{self.simulator_port}"
        self.env = {
            **os.environ,
            **KEYS,
            "PYTHONPATH": str(ROOT),
            "MONGODB_URI": mongodb_uri,
            "MONGODB_DATABASE": database,
            "REDIS_URL": redis_url,
            "VOLCENGINE_ENDPOINT": self.simulator_url,
            "ARK_BASE_URL": f"{self.simulator_url}/api/v3",
            "VOLCENGINE_CONCURRENCY": "2",
            "ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{self.simulator_port}",
            "AUTH": "off",
            "ALLOW_OPEN_ACCESS": "1",
            "JIMENG_DEMO": "1",
            "REQUESTS_PER_MINUTE": "0",
            "USER_SUBMISSIONS_PER_MINUTE": "0",  # tests ask for much in little time
            **constants({"jimeng.jobs.poll_schedule.POLL_INTERVAL_S": 0.1}),
            "SHUTDOWN_GRACE": str(GRACE),
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": str(self.port),
            **settings,
        }
        self._simulator = ["--limit", str(limit), "--duration", str(duration)]
        self._simulator += [f"--account={each}" for each in accounts]
        self._web = web
        self.start_simulator()
        self.web = self.start_web()
        self.consumers: list[Process] = []

    def start_simulator(self) -> None:
        words = [*self.SIMULATOR, "--port", str(self.simulator_port)]
        words += [*self._simulator, "--state", str(self.folder / "simulator.db")]
        self.simulator = self.start(words, "simulator")

    def start(
        self, words: list[str], name: str, *, prefix: Sequence[str] = (), **env: str
    ) -> Process:
        """Run Python with *words*, in a group of its own that its children are in."""
        log, env = self.folder / f"{name}.log", {**self.env, **env}
        if self.fresh or prefix:
            process = self._start_in_full([*prefix, sys.executable, *words], log, env)
        else:
            process = Forked(words, cwd=self.folder, env=env, output=log)
        self.processes.append(process)
        return process

    def _start_in_full(
        self, command: list[str], path: Path, env: dict[str, str]
    ) -> subprocess.Popen:
        with open(path, "ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_web(self) -> Process:
        return self.start([*WEB, *self._web], "web")

    def start_consumer(self, words: list[str] | None = None, **env: str) -> None:
        number = len(self.consumers)
        consumer = self.start(words or CONSUMER, f"consumer{number}", **env)
        self.consumers.append(consumer)

    def kill_consumers(self) -> None:
        """SIGKILL: no goodbye, and none before it."""
        for consumer in self.consumers:
            consumer.send_signal(signal.SIGKILL)
            assert consumer.wait() == -signal.SIGKILL
        self.consumers.clear()

    def stop_consumers(self) -> None:
        """SIGTERM, one after the other."""
        for consumer in self.consumers:
            consumer.terminate()
            consumer.wait(PATIENCE_S)
        self.consumers.clear()

    def kill_web(self) -> None:
        """SIGKILL to master and workers: a worker alone would keep the port."""
        os.killpg(self.web.pid, signal.SIGKILL)
        assert self.web.wait() == -signal.SIGKILL

    def stop(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")
