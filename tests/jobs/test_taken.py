"""Once the write that decides has happened the answer says so, whatever fails after."""

from collections.abc import Callable

import pytest
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from jimeng import accounts, jobs
from jimeng.documents import ApiKey, Task, User, commands
from jimeng.documents.principal import Principal
from jimeng.errors.access import InvitationInvalid
from tests.conftest import come_due
from tests.jobs.test_gathering import half_a_minute_later as complete
from tests.machine.boundary import AS, WRITES, wrap_note
from tests.rest import API, CAT, CREATE, GENERAL, create, data_of, new_user, result

READS = ["find", "find_one", "aggregate", "count_documents", "distinct"]
ROOT = Principal("root", is_operator=True)
PASSWORD = "correct horse battery"  # noqa: S105


class Databases:
    """MongoDB and Redis, which go away once a certain write has been done."""

    def __init__(self, monkeypatch) -> None:
        self._after: tuple[str, str] | None = None  # collection, writes
        self._let_pass = 0
        self.gone, self.refused = False, 0
        for name in [*READS, *WRITES]:
            self._wrap(monkeypatch, Collection, name, AutoReconnect)
        for name in ("find_one", "aggregate"):
            self._wrap(monkeypatch, commands, name, AutoReconnect)
        for name in ("lpush", "eval", "evalsha"):
            self._wrap(monkeypatch, Redis, name, RedisGone)
        wrap_note(monkeypatch, self._noted)
        run = jobs.evaluate
        monkeypatch.setattr(
            jobs,
            "evaluate",
            lambda *args: self._do(lambda: run(*args), None, "eval", RedisGone),
        )

    def go_after(self, collection: str, writes: str, *, let_pass: int = 0) -> None:
        """Be gone after one of these, but for as many operations as are let pass."""
        self._after, self._let_pass = (collection, writes), let_pass

    def come_back(self) -> None:
        """All works again, and what was to happen has happened."""
        assert self.gone, "the write that decides was not seen"
        self.gone, self._after = False, None

    def _wrap(self, monkeypatch, owner: object, name: str, error: type) -> None:
        original = getattr(owner, name)

        def wrapped(this, *args, **kwargs):
            where = getattr(this, "name", None)
            return self._do(lambda: original(this, *args, **kwargs), where, name, error)

        monkeypatch.setattr(owner, name, wrapped)

    def _noted(self, note: Callable, name: str) -> Callable:
        return lambda: self._do(note, name, AS, AutoReconnect)

    def _do(self, act: Callable, where: str | None, name: str, error: type) -> object:
        if self.gone:
            if not self._let_pass:
                self.refused += 1
                raise error("gone")
            self._let_pass -= 1
        result = act()
        meant, writes = self._after or ("", "")
        if where == meant and name in writes.split():
            self.gone = True
        return result


@pytest.fixture
def databases(database, monkeypatch) -> Databases:
    return Databases(monkeypatch)


def ended(client) -> str:
    task_id = create(client, n=2)
    client.post(f"{API}/tasks/{task_id}/cancel")
    return task_id


def form(**fields: object) -> dict:
    return {"prompt": "一只猫", "n": "2", "token": "t" * 22, **fields}


TASK_WRITES = "insert_one update_one find_one_and_update"
HTMX = {"HX-Request": "true"}
IMAGE = {**CAT, "type": "image"}
# Each takes the client, and a task that can be run again.
KEY_INTERFACES: dict[str, Callable] = {
    "create": lambda c, _: c.post(CREATE, json={**CAT, "n": 2}),
    "general": lambda c, _: c.post(GENERAL, json={**IMAGE, "n": 2}),
    "delayed": lambda c, _: c.post(GENERAL, json={**IMAGE, "delay": 1}),
    "retry": lambda c, t: c.post(f"{API}/tasks/{t}/retry", json={}),
    "page": lambda c, _: c.post("/tasks", data=form()),
    "page by htmx": lambda c, _: c.post("/tasks", data=form(), headers=HTMX),
    "page's retry": lambda c, t: c.post(f"/tasks/{t}/retry", data=form(), headers=HTMX),
    "page's again": lambda c, t: c.post(f"/tasks/{t}/again", data=form()),
}


# Of the others, which write by the same function, the first moment and the last.
MOMENTS = [("create", n) for n in range(4)]
MOMENTS += [(door, n) for door in KEY_INTERFACES if door != "create" for n in (0, 3)]


@pytest.mark.parametrize(("door", "let_pass"), MOMENTS)
def test_what_is_written_is_taken(client, databases, work_off, door, let_pass):
    """The answer is as if nothing had happened, and the task is completed."""
    first = ended(client)
    databases.go_after("tasks", TASK_WRITES, let_pass=let_pass)

    answer = KEY_INTERFACES[door](client, first)

    assert answer.status_code in {200, 202, 303}, answer.text
    databases.come_back()
    (task_id,) = set(Task.collection().distinct("_id")) - {first}
    complete()
    come_due(state="delayed")
    work_off()
    assert result(client, task_id)["status"] == "completed"


def test_refusal_before_it_is_one(client, databases):
    databases.go_after("places", "find_one_and_update")

    answer = client.post(CREATE, json=CAT)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    databases.come_back()
    assert Task.collection().count_documents({}) == 0


def test_repeated_request_is_answered_the_same(client, databases, work_off):
    """Also where what the first could not write cannot be written now either."""
    headers = {"Idempotency-Key": "k"}
    databases.go_after("tasks", TASK_WRITES)
    first = client.post(CREATE, json=CAT, headers=headers)
    databases.come_back()
    databases.go_after("places", "update_one", let_pass=1)  # has found the first

    again = client.post(CREATE, json=CAT, headers=headers)

    databases.come_back()
    assert data_of(again, 202) == data_of(first, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    complete()
    work_off()
    assert result(client, data_of(first, 202)["task_id"])["status"] == "completed"


@pytest.mark.parametrize("let_pass", range(5))
def test_cancelled_is_cancelled(client, databases, work_off, provider, let_pass):
    """Nothing of it is drawn, and others' pictures are."""
    task_id, other = create(client, n=2), create(client, user_id="bob")
    databases.go_after("tasks", "find_one_and_update", let_pass=let_pass)

    answer = client.post(f"{API}/tasks/{task_id}/cancel")

    assert data_of(answer)["status"] == "cancelled"
    databases.come_back()
    work_off()
    assert result(client, task_id)["status"] == "cancelled"
    assert result(client, other)["status"] == "completed"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("way", "let_pass"),
    [*(("api", n) for n in range(5)), ("page", 0), ("page", 3), ("htmx", 0)],
)
def test_deleted_is_deleted(client, databases, work_off, provider, way, let_pass):
    """Nobody sees it, nothing of it is drawn; in one write it is hidden and ends."""
    task_id = create(client, n=2)
    databases.go_after("tasks", "update_one", let_pass=let_pass)

    if way == "api":
        answer = client.delete(f"{CREATE}/{task_id}")
    else:
        headers = HTMX if way == "htmx" else {}
        answer = client.post(f"/tasks/{task_id}/delete", headers=headers)

    assert answer.status_code in {200, 303}
    databases.come_back()
    assert client.get(f"{API}/tasks/{task_id}").status_code == 404
    work_off()
    assert provider.requests == []
    if way != "api":
        client.post(f"/tasks/{task_id}/restore")
        assert result(client, task_id)["status"] == "cancelled"


def test_bulk_retry_says_what_it_has_made(client, databases, work_off):
    """The databases go away after the first of two: one is made, and one is not."""
    ids = [ended(client), ended(client)]
    databases.go_after("tasks", TASK_WRITES)

    answer = client.post(f"{API}/tasks/retry", json={"ids": ids})

    databases.come_back()
    first, second = data_of(answer)["results"]
    assert (first["success"], second["success"]) == (True, False)
    assert second["error"] in {"database_unavailable", "queue_unavailable"}
    complete()
    work_off()
    assert result(client, first["new_task_id"])["status"] == "completed"


def test_user_and_key_that_are_written_are_told(client, databases):
    """Asking again would be told that the address is taken; a key is read once only."""
    databases.go_after("users", "insert_one")
    made = client.post(f"{API}/users", json={"email": "a@b.cd", "name": "Ada"})
    databases.come_back()
    assert data_of(made, 201)["email"] == "a@b.cd"
    user_id = data_of(made, 201)["id"]
    databases.go_after("api_keys", "insert_one")

    answer = client.post(f"{API}/users/{user_id}/keys", json={"name": "k"})

    databases.come_back()
    _, user, _ = accounts.user_of_key(data_of(answer, 201)["key"])
    assert user.id == user_id
    assert ApiKey.collection().count_documents({}) == 1


def test_invitation_is_used_up_with_the_password(client, databases):
    """Both or none: a link is never spent for nothing, and never works twice."""
    user_id = new_user(client)["id"]
    token = accounts.invite(ROOT, user_id)
    databases.go_after("users", "find_one_and_update")

    accounts.accept(token, PASSWORD)

    databases.come_back()
    assert User.find_one({"_id": user_id}).password
    with pytest.raises(InvitationInvalid):
        accounts.accept(token, PASSWORD)
