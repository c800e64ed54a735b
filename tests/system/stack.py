"""The whole product in processes of its own: web, consumers, and the simulator."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import redis
from pymongo import MongoClient
from pymongo.database import Database

from tests.forks import Forked
from tests.system import asking
from tests.waiting import wait_for

Process = subprocess.Popen | Forked
ROOT = Path(__file__).parent.parent.parent
KEYS = {"VOLCENGINE_ACCESS_KEY": "AKTEST", "VOLCENGINE_SECRET_KEY": "SKTEST"}
CONSUMER = ["-m", "jimeng.serve", "worker"]
GRACE = 10.0  # seconds
MONKEY = ["-m", "tests.system.monkey"]
SOONER = [{"$set": {"due_at": {"$subtract": ["$due_at", 30_000]}}}]  # a lease


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """
    Args:
        limit: What the simulator, playing the provider, runs at a time.
        duration: Seconds that each of its pictures takes.
        web: Gunicorn's options.
        fresh: Whether processes are started in full, as an operator does, and not
            forked.
        accounts: Further ones of the simulator's, as its command line has them.
        settings: Environment of the product, besides.
    """

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
            "VOLCENGINE_CONCURRENCY": "2",
            "ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{self.simulator_port}",
            "AUTH": "off",
            "ALLOW_OPEN_ACCESS": "1",
            "JIMENG_DEMO": "1",
            "REQUESTS_PER_MINUTE": "0",
            "USER_SUBMISSIONS_PER_MINUTE": "0",  # tests ask for much in little time
            "POLL_INTERVAL": "0.1",
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
        words = ["-m", "jimeng.local.simulator", "--port", str(self.simulator_port)]
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
        return self.start(["-m", "jimeng.serve", "web", *self._web], "web")

    def start_consumer(self, words: list[str] | None = None, **env: str) -> None:
        number = len(self.consumers)
        consumer = self.start(words or CONSUMER, f"consumer{number}", **env)
        self.consumers.append(consumer)

    def await_ready(self) -> None:
        def is_ready() -> bool:
            try:
                if self.ask("GET", "/health/ready")[0] != 200:
                    return False
            except OSError:
                return False
            # That answer is kept for a second: it may be from before.
            with self.database() as found:
                return found.workers.count_documents({}) >= len(self.consumers)

        wait_for(is_ready, 30, "the stack is ready")

    def kill_consumers(self) -> None:
        """SIGKILL: no goodbye, and none before it."""
        for consumer in self.consumers:
            consumer.send_signal(signal.SIGKILL)
            assert consumer.wait() == -signal.SIGKILL
        self.consumers.clear()

    def let_leases_pass(self) -> None:
        """As if half a minute had passed since the consumers died: all of them have."""
        assert not self.consumers
        with self.database() as found:
            found.generations.update_many({"due_at": {"$exists": True}}, SOONER)

    def let_old_leases_pass(self) -> None:
        """The same for what was claimed five seconds ago and nobody has finished."""
        now = datetime.now(UTC)
        old = {"$gt": now + timedelta(seconds=5), "$lt": now + timedelta(seconds=25)}
        with self.database() as found:
            found.generations.update_many({"due_at": old}, SOONER)

    def all_ended(self) -> bool:
        with self.database() as found:
            return not found.tasks.count_documents({"open": {"$exists": True}})

    def stop_consumers(self) -> list[float]:
        """SIGTERM, one after the other; the seconds that each of them took."""
        took = []
        for consumer in self.consumers:
            began = time.monotonic()
            consumer.terminate()
            consumer.wait(20)
            took.append(time.monotonic() - began)
        self.consumers.clear()
        return took

    def kill_web(self) -> None:
        """SIGKILL to master and workers: a worker alone would keep the port."""
        os.killpg(self.web.pid, signal.SIGKILL)
        assert self.web.wait() == -signal.SIGKILL

    def await_up(self) -> None:
        """Wait until web and simulator answer; consumers there may be none."""

        def is_up() -> bool:
            try:
                self.ledger()
                return self.ask("GET", "/health")[0] == 200
            except OSError:
                return False

        wait_for(is_up, 30, "web and simulator answer")

    @contextmanager
    def database(self) -> Iterator[Database]:
        """What the product has stored, for what no door shows."""
        yield self._client[self.env["MONGODB_DATABASE"]]

    @cached_property
    def _client(self) -> MongoClient:
        """Kept until the end: each new one takes a password, and waits for itself."""
        return MongoClient(self.env["MONGODB_URI"], tz_aware=True)

    def redis_info(self) -> dict:
        with redis.Redis.from_url(self.env["REDIS_URL"]) as link:
            return link.info()

    def slots_held(self) -> int:
        with self.database() as found:
            return found.generations.count_documents({"slot": {"$exists": True}})

    def rest(self, lane: str) -> None:
        """Let nothing of the lane be sent until it is told to `go_on`."""
        until = {"not_before": datetime.now(UTC) + timedelta(hours=1)}
        with self.database() as found:
            found.lanes.update_one({"_id": lane}, {"$set": until}, upsert=True)

    def go_on(self, lane: str) -> None:
        with self.database() as found:
            found.lanes.update_one({"_id": lane}, {"$unset": {"not_before": ""}})

    def remember_durations(self, lane: str, seconds: float) -> None:
        """As if the lane had been in use: it knows how long its pictures take."""
        with self.database() as found:
            update = {"$set": {"durations": [seconds] * 10}}
            found.lanes.update_one({"_id": lane}, update, upsert=True)

    def simulate(self, **settings: object) -> None:
        """Change what the simulator does from now on."""
        path = "/_simulator/settings"
        status, answer = self.ask("POST", path, settings, url=self.simulator_url)
        assert status == 200, answer

    def spoil(self, action: str, kind: str, **how: object) -> None:
        """Let the simulator's next answer to *action* go wrong."""
        fault = {"action": action, "kind": kind, **how}
        path = "/_simulator/faults"
        status, answer = self.ask("POST", path, [fault], url=self.simulator_url)
        assert status == 200, answer

    def begin_anew(self, **settings: object) -> None:
        """No consumers, nothing stored, nothing billed, and plain pictures."""
        self.kill_consumers()
        with self.database() as found:
            for name in found.list_collection_names():
                found[name].delete_many({})
        with redis.Redis.from_url(self.env["REDIS_URL"]) as link:
            link.flushdb()
        self.ask("POST", "/_simulator/reset", {}, url=self.simulator_url)
        self.simulate(plain=True, **settings)

    def stop(self) -> None:
        if "_client" in vars(self):
            self._client.close()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict]:
        """`asking.ask` of the product, or of *url*."""
        return asking.ask(method, (url or self.url) + path, body, headers)

    def fetch(
        self, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[int, str, bytes]:
        """`asking.fetch` of a path of this server, or of a whole URL."""
        return asking.fetch(path if path.startswith("http") else self.url + path, form)

    def create(self, **fields: object) -> str:
        """Ask for pictures and return the task's id."""
        body = {"prompt": "一只猫", "user_id": "ada", "size": "512x512", **fields}
        status, answer = self.ask("POST", "/api/v1/ai/image/task", body)
        assert status == 202, answer
        return answer["data"]["task_id"]

    def result(self, task_id: str) -> dict:
        status, answer = self.ask("GET", f"/api/v1/ai/image/result/{task_id}")
        assert status == 200, answer
        return answer["data"]

    def await_ended(self, task_ids: list[str], timeout: float) -> dict[str, dict]:
        """Wait until all of these have ended, and return their results."""
        ended: dict[str, dict] = {}

        def all_ended() -> bool:
            """Ask for one after the other, and no further than one that has not."""
            for task_id in [each for each in task_ids if each not in ended]:
                data = self.result(task_id)
                if data["status"] in {"pending", "processing"}:
                    return False
                ended[task_id] = data
            return True

        try:
            wait_for(all_ended, timeout, "all tasks have ended")
        except AssertionError as error:
            error.add_note(self.unfinished())
            raise
        return ended

    def unfinished(self) -> str:
        """What is left to be done and how each lane stands, for who must find out."""
        with self.database() as found:
            rows = found.generations.find({"state": {"$ne": "done"}}, {"prompt": 0})
            return "\n".join(map(str, [*rows.limit(20), *found.lanes.find()]))

    def ledger(self) -> dict:
        """What the provider would charge for."""
        return self.ask("GET", "/_simulator/ledger", url=self.simulator_url)[1]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")
