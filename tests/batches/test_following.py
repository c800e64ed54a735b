"""A batch is followed: by events, by waiting for its end, and by its tag."""

from jimeng.documents import Batch, Task
from tests.api.test_events import anew, read, told
from tests.batches.conftest import BATCHES, act, ask, lines, look
from tests.rest import data_of

__all__ = ["anew"]

WAIT = {"Prefer": "wait=55"}


def follow(client, batch_id: str):
    return client.get(f"{BATCHES}/{batch_id}/events")


def without_prompts(record: dict) -> dict:
    return {name: each for name, each in record.items() if name != "prompts"}


def test_batch_is_followed_to_its_end(client, soon, work_all):
    """As the list has it; one that has ended is told once, and the stream ends."""
    batch_id = ask(client, lines(3), metadata={"order": "123"})["batch_id"]
    soon(work_all)

    answer = follow(client, batch_id)
    blocks = list(read(answer))

    first, last = told(blocks)[0], told(blocks)[-1]
    assert (first["status"], first["pictures"]["waiting"]) == ("processing", 3)
    assert (last["status"], last["pictures"]["done"]) == ("completed", 3)
    assert last["ended_at"] and last["metadata"] == {"order": "123"}
    assert last == without_prompts(look(client, batch_id))
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    assert {each["event"] for each in blocks if "data" in each} == {"batch"}
    assert told(list(read(follow(client, batch_id)))) == [last]


def test_progress_is_told_though_the_batch_is_not_written(client):
    """Its tasks are, one by one."""
    batch_id = ask(client, lines(2))["batch_id"]
    blocks = read(follow(client, batch_id))
    next(blocks)
    Task.cancel({}, Task.collection().find_one({"batch": batch_id})["_id"])

    (later,) = told([next(each for each in blocks if "data" in each)])

    assert (later["pictures"]["cancelled"], later["pictures"]["waiting"]) == (1, 1)


def test_end_of_a_batch_is_waited_for(client, soon, work_all, waits):
    """If it does not come in time, the answer is as if nothing had been wished for."""
    batch_id = ask(client, lines(2))["batch_id"]
    early = client.get(f"{BATCHES}/{batch_id}", headers={"Prefer": "wait=1"})
    assert data_of(early)["status"] == "processing"
    assert early.headers["Preference-Applied"] == "wait=1"
    assert early.headers["Retry-After"] == "3"
    assert waits == [(1, True)]
    soon(work_all)

    answer = client.get(f"{BATCHES}/{batch_id}", headers=WAIT)

    found = data_of(answer)
    assert (found["status"], found["pictures"]["done"]) == ("completed", 2)
    assert answer.headers["Preference-Applied"] == "wait=55"
    assert "Retry-After" not in answer.headers


def test_unchanged_batch_is_not_sent_again(client, work_all):
    """Its tag stands for all that the answer says, in its language."""
    batch_id = ask(client, lines(2))["batch_id"]
    where = f"{BATCHES}/{batch_id}"
    Batch.collection().update_one({}, {"$set": {"waits": {"code": "x"}}})  # no guess

    first = client.get(where)
    tag = {"If-None-Match": first.headers["ETag"]}
    again = client.get(where, headers=tag)
    english = client.get(where, headers={**tag, "Accept-Language": "en"})
    Task.cancel({}, Task.collection().find_one()["_id"])
    changed = client.get(where, headers=tag)
    act(client, batch_id, "cancel")
    work_all()
    ended = client.get(where).headers["ETag"]

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Retry-After"] == "3"
    assert english.status_code == 200
    assert data_of(changed)["pictures"]["cancelled"] == 1
    assert client.get(where, headers={"If-None-Match": ended}).status_code == 304
