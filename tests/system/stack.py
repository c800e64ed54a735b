"""The whole product in processes of its own: what it is asked, what it has stored."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property

import redis
from pymongo import MongoClient
from pymongo.database import Database

from jimeng.documents import State
from tests.standin import free_port
from tests.system import asking
from tests.system.processes import (
    CONSUMER,
    GRACE,
    MONKEY,
    ROOT,
    Processes,
)
from tests.waiting import PATIENCE_S, wait_for

# What the tests of a stack need beside it.
__all__ = [
    "AT_NOON",
    "CONSUMER",
    "GRACE",
    "MONKEY",
    "ROOT",
    "Stack",
    "free_port",
    "wait_for",
]

# Where it is about noon: with the end of a day its budgets are whole again.
AT_NOON = {"BILLING_TIMEZONE": f"Etc/GMT{datetime.now(UTC).hour - 12:+}"}
# Videos of Ark, and who may order many.
VIDEOS = {
    "ARK_API_KEY": "ark-key-of-the-test",
    "ARK_CONCURRENCY": "4",
    "SECRET_KEY": secrets.token_hex(32),
    "USER_MAX_PENDING_VIDEOS": "100",
}
SOONER = [{"$set": {"due_at": {"$subtract": ["$due_at", 30_000]}}}]  # a lease


class Stack(Processes):
    """The `Processes`, and what one does to them: ask, look, wait, and spoil things."""

    def await_ready(self) -> None:
        def is_ready() -> bool:
            if not asking.answers(f"{self.url}/health/ready"):
                return False
            # That answer is kept for a second: it may be from before.
            with self.database() as found:
                return found.workers.count_documents({}) >= len(self.consumers)

        wait_for(is_ready, what="the stack is ready")

    def let_leases_pass(self) -> None:
        """As if half a minute had passed since the consumers died: all of them have."""
        assert not self.consumers
        with self.database() as found:
            found.generations.update_many({"due_at": {"$exists": True}}, SOONER)

    def let_old_leases_pass(self) -> None:
        """
        The same for what was claimed five seconds ago and nobody has finished; but for
        submissions, of which a consumer that lives may not have heard yet.
        """
        now = datetime.now(UTC)
        old = {"$gt": now + timedelta(seconds=5), "$lt": now + timedelta(seconds=25)}
        where = {"due_at": old, "state": {"$ne": State.SUBMITTING.value}}
        with self.database() as found:
            found.generations.update_many(where, SOONER)

    def all_ended(self) -> bool:
        with self.database() as found:
            return not found.tasks.count_documents({"open": {"$exists": True}})

    def await_up(self) -> None:
        """Wait until web and simulator answer; consumers there may be none."""

        urls = f"{self.simulator_url}/_simulator/ledger", f"{self.url}/health"
        wait_for(
            lambda: all(map(asking.answers, urls)), what="web and simulator answer"
        )

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
        super().stop()

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
        return self.insist("POST", "/api/v1/ai/image/task", body)["task_id"]

    def result(self, task_id: str) -> dict:
        return self.insist("GET", f"/api/v1/ai/image/result/{task_id}")

    def insist(self, method: str, path: str, body: object = None) -> dict:
        """
        The data of the response, repeated while MongoDB is unavailable: a web process
        waits a second for it, and on a busy machine it may take longer.
        """
        key = {"Idempotency-Key": secrets.token_hex(8)} if method == "POST" else {}

        def taken() -> dict | None:
            status, answer = self.ask(method, path, body, headers=key)
            if status == 503 and answer["error"] == "database_unavailable":
                return None
            assert status in {200, 202}, answer
            return answer["data"]

        return wait_for(taken, what=f"{path} is answered")

    def await_ended(
        self, task_ids: list[str], timeout: float = PATIENCE_S
    ) -> dict[str, dict]:
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
