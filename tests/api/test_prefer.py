"""``Prefer: wait``: the picture in one call, or what would have been said otherwise."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest

from jimeng.documents.principal import Principal
from jimeng.http import long_polls
from tests.conftest import come_due
from tests.documents.slow import way_to
from tests.rest import CAT, CREATE, GENERAL, client_with, create, data_of, refused
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("quick_room")  # as the product's own server
RESULT = "/api/v1/ai/image/result"
WAIT = {"Prefer": "wait=50"}


def applied(answer) -> str | None:
    return answer.headers.get("Preference-Applied")


@pytest.mark.parametrize(
    ("path", "body"), [(CREATE, CAT), (GENERAL, {"type": "image", "input": CAT})]
)
def test_one_call_gets_a_picture(client, soon, path, body):
    """A 200 with the finished task, and with the links that any other answer has."""
    soon()

    answer = client.post(path, json=body, headers=WAIT)

    data = data_of(answer, 200)
    assert data["status"] == "completed"
    assert client.get(data["image_url"]).mimetype == "image/png"
    assert data["links"]["result"].endswith(answer.headers["Location"])
    assert applied(answer) == "wait=50"
    assert "Retry-After" not in answer.headers
    look = data_of(client.get(data["links"]["result"]))
    assert {name: data[name] for name in look} == look


def test_answer_of_a_task_that_goes_on_is_the_usual_one(app, client, config, waits):
    """A 202 or 200, and the wish as followed: what outlasts a proxy is cut."""
    app.config["JIMENG"] = replace(config, WAIT_SECONDS=1.0)
    made = client.post(CREATE, json=CAT, headers=WAIT)
    task_id = data_of(made, 202)["task_id"]
    looked = client.get(f"{RESULT}/{task_id}", headers=WAIT)

    for data in (made.json["data"], data_of(looked)):
        assert (data["status"], data["position"]) == ("pending", 0)
    for answer in (made, looked):
        assert applied(answer) == "wait=1"
        assert answer.headers["Retry-After"] == "3"
    assert waits == [(1, True)] * 2


def test_look_waits_too(client, soon, work_off):
    """GET result answers when the task has ended, whatever end it is."""
    for act, end in ((work_off, "completed"), (None, "cancelled")):
        task_id = create(client)
        cancel = f"/api/v1/tasks/{task_id}/cancel"
        soon(act or partial(client.post, cancel, json={}))

        answer = client.get(f"{RESULT}/{task_id}", headers=WAIT)

        assert data_of(answer)["status"] == end
        assert applied(answer) == "wait=50"


def test_retry_and_repetition_may_wait_as_well(client, soon):
    """Whoever repeats a request waits for the first one."""
    key, url = {"Idempotency-Key": "k"}, f"/api/v1/tasks/{create(client)}"
    client.post(f"{url}/cancel", json={})
    made = client.post(f"{url}/retry", json={}, headers=key)
    soon()

    again = client.post(f"{url}/retry", json={}, headers=key | WAIT)
    soon()
    anew = client.post(f"{url}/retry", json={}, headers=WAIT)

    assert data_of(again)["task_id"] == data_of(made, 202)["task_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert data_of(again)["status"] == data_of(anew)["status"] == "completed"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        *[("wait=7", 7), ("respond-async, wait=7", 7), ('WAIT = "7" ; foo=1', 7)],
        *[("wait=7, wait=9", 7), ("wait=600", 60), ("wait", 60)],
        ("wait=99999999999999999999", 60),
        *[("wait=0", None), ("wait=-1", None), ("wait=soon", None), ("wait=²", None)],
        *[("waiting=7", None), ("", None)],
    ],
)
def test_wish_is_read_as_it_is_meant(client, work_off, waits, asked, seconds):
    """RFC 7240; what has ended is not waited for, and has its tag."""
    task_id = create(client)
    work_off()
    headers = {"Prefer": asked}

    answer = client.get(f"{RESULT}/{task_id}", headers=headers)
    headers["If-None-Match"] = answer.headers["ETag"]
    again = client.get(f"{RESULT}/{task_id}", headers=headers)

    assert (answer.status_code, again.status_code) == (200, 304)
    wish = seconds and f"wait={seconds}"
    assert applied(answer) == applied(again) == wish
    assert waits == []


@pytest.mark.parametrize("delay", [51, 3600])
def test_what_starts_later_is_not_waited_for(client, monkeypatch, delay):
    """No wait could see its end, so it takes no place; and nothing was applied."""
    monkeypatch.setattr(long_polls, "long_poll_permit", None)
    body = {**CAT, "type": "image", "delay": delay}

    asked = client.post(GENERAL, json=body, headers=WAIT)
    task_id = data_of(asked, 202)["task_id"]
    looked = client.get(f"{RESULT}/{task_id}", headers=WAIT)

    assert data_of(looked)["status"] == "pending"
    assert applied(asked) is applied(looked) is None
    assert asked.headers["Retry-After"] == looked.headers["Retry-After"] == "3"


def test_short_delay_is_waited_for(client, soon, work_off):
    def let_delay_pass() -> None:
        come_due()
        work_off()

    soon(let_delay_pass)
    body = {**CAT, "type": "image", "delay": 0.1}

    answer = client.post(GENERAL, json=body, headers=WAIT)

    assert data_of(answer)["status"] == "completed"


def test_without_a_place_nobody_is_refused(client, waits):
    """The usual answer at once, which does not say that it had waited."""
    with ExitStack() as held:
        for number in range(24):
            held.enter_context(
                long_polls.long_poll_permit(Principal("ada"), f"user{number}")
            )

        asked = client.post(CREATE, json=CAT, headers=WAIT)
        task_id = data_of(asked, 202)["task_id"]
        looked = client.get(f"{RESULT}/{task_id}", headers=WAIT)

    assert data_of(looked)["status"] == "pending"
    assert applied(asked) is applied(looked) is None
    assert waits == []


def test_what_is_deleted_meanwhile(client, soon, database):
    """Who looks is told that it is not there; who asked for it, that it was taken."""
    task_id = create(client)

    def delete_all() -> None:
        for row in database.tasks.find({}, {"_id": 1}):
            client.application.test_client().delete(
                f"/api/v1/ai/image/task/{row['_id']}", json={}
            )

    soon(delete_all)
    looked = client.get(f"{RESULT}/{task_id}", headers=WAIT)
    soon(delete_all)
    asked = client.post(CREATE, json=CAT, headers=WAIT)

    refused(looked, 404, "task_not_found")
    assert asked.status_code == 202


def test_database_that_goes_away_meanwhile_is_no_refusal(
    app, servers, config, registry, monkeypatch
):
    """Waiting goes on without it, and what was known before is the answer."""
    wait = long_polls.wait_for_end
    monkeypatch.setattr("jimeng.documents.connection.WEB_TIMEOUT", 4.0)
    with (
        way_to(servers.mongodb_uri) as way,
        client_with(config, registry, MONGODB_URI=way.uri) as far,
    ):

        def wait_without_it(*args) -> bool:
            way.delay = None
            return wait(*args)

        task_id = data_of(far.post(CREATE, json=CAT), 202)["task_id"]
        monkeypatch.setattr(long_polls, "wait_for_end", wait_without_it)
        asked = far.post(CREATE, json=CAT, headers={"Prefer": "wait=1"})
        assert way.delay is None
        way.delay = 0.0
        wait_for(lambda: far.get(f"{RESULT}/{task_id}").status_code == 200)
        looked = far.get(f"{RESULT}/{task_id}", headers={"Prefer": "wait=1"})
        assert way.delay is None
        way.delay = 0.0

    assert data_of(asked, 202)["status"] == "pending"
    assert data_of(looked)["status"] == "pending"
