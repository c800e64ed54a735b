"""The web server dies at each write of creating, cancelling and deleting a video."""

import base64
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import png
from tests.system.killer import Killer
from tests.system.stack import Stack
from tests.system.test_video_kills import (
    GOING_ON,
    LANE,
    LATER_S,
    MODEL,
    check_bill,
    check_files,
    start,
)
from tests.waiting import wait_for

__all__ = ["start"]

pytestmark = pytest.mark.system

CREATE, VIDEOS = "/api/v1/ai/video/task", "/v1/videos/{}"
CANCEL, CANCEL_ONE = "/api/v1/tasks/{}/cancel", "/api/v1/tasks/{}/pictures/0/cancel"
DELETE, PURGE = "/api/v1/ai/image/task/{}", "/tasks/{}/purge"
FRAME = "data:image/png;base64," + base64.b64encode(png(640, 360)).decode()
# Gunicorn's worker dies; its master starts the next one.
WEB = ("--workers", "1", "--config", str(Path(__file__).with_name("web_conf.py")))
AT_LEAST = 25  # kinds of writes
TARGETS = 6  # of each operation on what the provider has

Act = Callable[[str], None]


class Site:
    """
    A stack, and who orders there and repeats each request until it is answered.

    Attributes:
        ordered: The tasks.
    """

    def __init__(self, stack: Stack, killer: Killer) -> None:
        self.ordered: list[str] = []
        self._stack, self._killer = stack, killer
        self._keys = map(str, itertools.count())

    def insist(self, path: str, ask: Callable, meant: set[int]) -> dict:
        """Ask until one of the statuses that are *meant* is answered, and not 503."""

        def answer() -> tuple | None:
            try:
                status, *content = ask()
            except OSError:  # it has died
                return None
            assert status in {*meant, 503}, content
            return (content[-1],) if status in meant else None

        return wait_for(answer, what=path)[0]

    def ask(self, method: str, path: str, *meant: int, **how: object) -> dict:
        ask = partial(self._stack.ask, method, path, **how)
        return self.insist(path, ask, set(meant))

    def post(self, path: str) -> None:
        """As a form of a page."""
        self.insist(path, partial(self._stack.fetch, path, {}), {200, 404})

    def order(self, **fields: object) -> str:
        body = {"prompt": "a lantern", "user_id": "ada", "model": MODEL, "duration": 2}
        body |= {"resolution": "480p", "return_last_frame": True, **fields}
        key = {"Idempotency-Key": next(self._keys)}
        answer = self.ask("POST", CREATE, 202, body=body, headers=key)
        self.ordered.append(answer["data"]["task_id"])
        return self.ordered[-1]

    def die_at_each_write(self, act: Act, targets: Iterator[str]) -> None:
        """Act on one target after the other, until nothing has died with one."""
        act(next(targets))
        count = -1
        while count < len(self._killer.deaths):
            count, target = len(self._killer.deaths), next(targets)
            self._killer.is_armed = True
            act(target)
            self._killer.is_armed = False

    def await_states(self, ids: list[str], *states: str) -> None:
        def are_there() -> bool:
            with self._stack.database() as found:
                of = {"task_id": {"$in": ids}}
                # A new one is stored a moment after its task.
                stored = {*found.generations.distinct("task_id", of)}
                others = {**of, "state": {"$nin": states}}
                return stored == {*ids} and not found.generations.find_one(others)

        wait_for(are_there, what=f"{ids} are {states}")

    def completed(self) -> Iterator[str]:
        with self._stack.database() as found:
            rows = list(found.tasks.find({"status": "completed", "n": 1}))
        yield from (row["_id"] for row in rows)

    def await_purged(self) -> None:
        """What a request had begun to delete is deleted by the consumer."""
        doomed = {"deleted_at": {"$exists": True}, "purge_at": {"$exists": False}}

        def are_gone() -> bool:
            with self._stack.database() as found:
                return not found.tasks.count_documents(doomed)

        wait_for(are_gone, what="all that is doomed is gone")

    def await_settled(self) -> None:
        left = [{name: {"$exists": True}} for name in ("slot", "unsettled")]

        def is_settled() -> bool:
            with self._stack.database() as found:
                is_open = found.tasks.count_documents({"open": {"$exists": True}})
                return not is_open and not found.generations.find_one({"$or": left})

        wait_for(is_settled, what="all are settled")


def kind_of_request(write: str) -> str | None:
    """What is written, and by which two functions; but for the readiness checks."""
    what, _, path = write.partition(": ")
    if what == "update probes":
        return None
    return f"{what}: {' > '.join(path.split(' > ')[-2:])}"


def noted(ids: Iterator[str], seen: list[str]) -> Iterator[str]:
    for each in ids:
        seen.append(each)
        yield each


def check(stack: Stack, site: Site) -> None:
    """
    Each order is one task; what was sent is charged or cancelled there, all else is
    free of charge; of what was deleted no file is left.
    """
    billed = check_bill(stack)
    with stack.database() as found:
        rows = list(found.generations.find())
        known = {row["task_id"] for row in rows}
        others = list(found.tasks.find({"_id": {"$nin": [*known]}}))
        spent = found.places.find_one({"_id": "ada"})["day_micros"]
    ordered = {*site.ordered}
    assert len(site.ordered) == len(ordered)
    # Cancelled or deleted at once, one may never have had a generation.
    assert known <= ordered
    assert {task["status"] for task in others} <= {"cancelled"}
    for row in rows:
        ids = row.get("remote_ids", [])
        is_due = bool(ids) and billed[ids[0]]["billed"]
        assert row["charged"] == ("yes" if is_due else "no"), row
        assert row["state"] == ("done" if is_due else "dropped"), row
    assert spent >= sum(row["micros"] for row in billed.values() if row["billed"])
    check_files(stack)


def test_web_killed_at_each_write_orders_once_and_loses_nothing(start):
    """Each request is repeated until it is answered, as clients do."""
    killer = Killer(("/jimeng/",), kind_of=kind_of_request)
    with start(web=WEB, USER_DAILY_BUDGET="1000", **killer.settings) as stack:
        site = Site(stack, killer)
        stack.simulate(plain=True, video_limit=1)
        stack.start_consumer()
        stack.await_ready()
        stack.remember_durations(LANE, 0.1)

        def request(method: str, path: str, *meant: int) -> Act:
            return lambda task_id: site.ask(method, path.format(task_id), *meant)

        def fresh(**fields: object) -> Iterator[str]:
            while True:
                yield site.order(**fields)

        cancel = request("POST", CANCEL, 200, 409)
        delete = request("DELETE", DELETE, 200, 404)
        trash = request("DELETE", VIDEOS, 200, 404)

        def purge(task_id: str) -> None:
            site.post(PURGE.format(task_id))

        running = site.order(prompt=GOING_ON)
        site.await_states([running], "generating")
        sent = [site.order() for _ in range(3 * TARGETS)]
        site.await_states(sent, "generating")
        stack.rest(LANE)
        for body in ({}, {"first_frame": FRAME}):
            site.die_at_each_write(
                lambda _, body=body: site.order(**body), itertools.repeat("")
            )
        site.die_at_each_write(cancel, fresh())
        site.die_at_each_write(request("POST", CANCEL_ONE, 200, 409), fresh(n=2))
        site.die_at_each_write(delete, fresh())
        site.die_at_each_write(trash, fresh())
        of_provider = iter(sent)
        for act in (cancel, delete, trash):
            site.die_at_each_write(act, itertools.islice(of_provider, TARGETS))
        for _ in range(3 * TARGETS):  # to be completed, and deleted then
            site.order()
        stack.simulate(plain=True, video_limit=100, clock_offset=LATER_S)
        stack.go_on(LANE)
        site.await_settled()
        stored = site.completed()
        site.die_at_each_write(delete, stored)
        deleted: list[str] = []
        site.die_at_each_write(trash, noted(stored, deleted))
        for task_id in itertools.islice(stored, 2 * TARGETS):
            trash(task_id)
            deleted.append(task_id)
        site.die_at_each_write(purge, iter(deleted))
        for task_id in deleted:
            purge(task_id)
        site.await_purged()
        with killer.noted():
            check(stack, site)
    assert killer.missing() == set()
    assert len(killer.seen) >= AT_LEAST
