"""Clients that post again by themselves are never charged twice."""

import threading
from datetime import timedelta

import pytest

from jimeng import tasks
from jimeng.documents import Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.tasks import deduplication
from tests.at_once import at_once
from tests.each import for_each
from tests.openai.conftest import CAT, GENERATIONS, error_of
from tests.waiting import PATIENCE_S, wait_for


def post(client, repeats: int | None = None, path: str = GENERATIONS, **more):
    headers = dict(more.pop("headers", {}))
    if repeats is not None:
        headers["x-stainless-retry-count"] = str(repeats)
    return client.post(path, json={**CAT, **more}, headers=headers)


def lost(app, **more) -> str:
    """The task of a request whose client has not got its answer."""
    answer = post(app.test_client(), 0, **more)
    return error_of(answer, 504, "wait_over")["task_id"]


def count() -> int:
    return Task.collection().count_documents({})


def set_all(**fields) -> None:
    Task.collection().update_many({}, {"$set": fields})


def test_replayed_request_is_marked(hurried, client, work_off):
    """Also an error or a stream; with a key nothing is guessed."""
    key = {"headers": {"Idempotency-Key": "k"}}
    first = post(hurried.test_client(), 0, **key)
    waiting = post(hurried.test_client(), **key)
    error_of(waiting, 504, "wait_over")
    work_off()

    joined = post(client, 1)
    keyed = post(client, **key)
    lost_again = post(hurried.test_client(), **key)
    stream = post(client, stream=True, **key)

    assert "Idempotent-Replayed" not in first.headers
    for answer in (waiting, joined, keyed, lost_again, stream):
        assert answer.headers["Idempotent-Replayed"] == "true"
    assert keyed.json["task_id"] == joined.json["task_id"]
    assert stream.mimetype == "text/event-stream"
    assert post(client, 1, headers={"Idempotency-Key": "k2"}).json["error"]
    assert count() == 2
    other = post(client, prompt="一只狗", **key)
    error_of(other, 422, "idempotency_key_reused")


def test_equal_requests_that_are_repeated_stay_two(hurried, client, work_off):
    """Each takes one of the tasks, the oldest first; and again in the next round."""
    made = [lost(hurried), lost(hurried)]
    work_off()

    for repeats in (1, 2):
        got = [post(client, repeats).json["task_id"] for _ in made]
        assert got == made
    assert count() == 2


@pytest.mark.parametrize(
    "other",
    [{"prompt": "一只狗"}, {"n": 2}, {"user": "u2"}, {"size": "512x512"}],
    ids=str,
)
def test_other_requests_are_not_joined(hurried, other):
    """All that was sent must be the same, even what has no meaning here."""
    first = lost(hurried)

    assert begins_anew(hurried, first, **other)


def begins_anew(app, first: str, repeats: int = 1, **other: object) -> bool:
    """Whether a repetition is a task of its own, and not the *first*."""
    again = post(app.test_client(), repeats, **other)
    return error_of(again, 504, "wait_over")["task_id"] != first


@for_each("is_deleted", [False, True])
def test_task_that_is_gone_by_is_not_joined(hurried, is_deleted):
    """A quarter of an hour later it is another request; deleted it has no pictures."""
    first = lost(hurried)
    if is_deleted:
        tasks.delete(Principal("guest", is_operator=True), first)
    else:
        set_all(created_at=utcnow() - timedelta(minutes=15, seconds=1))

    assert begins_anew(hurried, first)
    Task.collection().delete_many({})


def test_answer_of_a_moment_ago_may_be_lost(hurried, client, work_off):
    """On its way through a proxy; who was answered before that has its pictures."""
    first = lost(hurried)
    work_off()
    set_all(answered_at=utcnow() - timedelta(seconds=20))

    assert post(client, 1).json["task_id"] == first
    # Which has not got it yet, so the next one may need it, however late.
    set_all(answered_at=None)
    assert post(client, 2).json["task_id"] == first
    set_all(answered_at=utcnow() - timedelta(seconds=31))
    assert begins_anew(hurried, first, 3)


def test_answer_that_was_read_is_noted(client, draws):
    """Not before the whole was handed out: who is cut off comes again."""
    body = {**CAT, "response_format": "b64_json"}
    with client.post(GENERATIONS, json=body, buffered=False) as answer:
        next(iter(answer.response))
        assert Task.find_one({})
    assert Task.find_one({}).answered_at is None
    for form in ("url", "b64_json"):
        answer = post(client, response_format=form)
        assert Task.find_one({"_id": answer.json["task_id"]}).answered_at is None

        answer.close()

        assert Task.find_one({"_id": answer.json["task_id"]}).answered_at is not None


def test_repetition_waits_for_the_request_before_it(hurried, monkeypatch):
    """Whose connection broke while its task was being written."""
    monkeypatch.setattr(deduplication, "MAX_EARLIER_WAIT_S", PATIENCE_S)
    monkeypatch.setattr(deduplication, "IN_FLIGHT_TTL_S", 600)
    held, going = threading.Event(), threading.Event()
    create = deduplication.create

    def slow(*args, **kwargs):
        going.set()
        assert held.wait(60)
        return create(*args, **kwargs)

    monkeypatch.setattr(deduplication, "create", slow)
    answers: dict[int, object] = {}

    def ask(repeats: int) -> None:
        answers[repeats] = post(hurried.test_client(), repeats)

    first = threading.Thread(target=ask, args=(0,))
    first.start()
    assert going.wait(60)
    again = threading.Thread(target=ask, args=(1,))
    again.start()
    wait_for(lambda: deduplication.jobs.huey.storage.conn.zcard(line()) == 2)
    held.set()
    first.join()
    again.join()

    ids = {error_of(each, 504, "wait_over")["task_id"] for each in answers.values()}
    assert (len(ids), count()) == (1, 1)
    assert deduplication.jobs.huey.storage.conn.zcard(line() or "x") == 0


def line() -> str:
    found = deduplication.jobs.huey.storage.conn.keys("jimeng:arriving:*")
    return found[0].decode() if found else ""


def test_many_repetitions_at_once_share_out_the_tasks(hurried, client, work_off):
    """Four clients lost their answers; each gets one of the four."""
    made = {lost(hurried) for _ in range(4)}
    work_off()

    got = at_once(4, lambda _: post(hurried.test_client(), 1).json["task_id"])

    assert sorted(got) == sorted(made)


def test_other_caller_joins_nothing(app, hurried):
    """Without sign-in it is the address that tells them apart."""
    first, other = lost(hurried), hurried.test_client()
    other.environ_base["REMOTE_ADDR"] = "127.0.0.9"

    assert error_of(post(other, 1), 504, "wait_over")["task_id"] != first
