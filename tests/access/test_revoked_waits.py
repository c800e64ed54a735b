"""Whoever waits with a key stops when the key does, and is told of no picture."""

import time
from datetime import timedelta

import pytest

from jimeng import accounts, operations
from jimeng.accounts import users
from jimeng.documents import ApiKey, utcnow
from tests.access.conftest import OPERATOR, make_person
from tests.rest import CREATE, refused
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("quick_room")  # as the product's server has it
LONG = {"Prefer": "wait=30"}
TOOL = {"name": "generate_image", "arguments": {"prompt": "x", "wait_seconds": 20}}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": TOOL}


CAT = {"prompt": "x"}
GENERATIONS, TASKS = "/v1/images/generations", "/api/v1/tasks"
WAITS = {
    "events": lambda ada: ada.api(
        "GET", f"{TASKS}/{create(ada)}/events", buffered=True
    ),
    "post": lambda ada: ada.api("POST", CREATE, json=CAT, headers=LONG),
    "openai": lambda ada: ada.api("POST", GENERATIONS, json=CAT),
    "stream": lambda ada: ada.api("POST", GENERATIONS, json={**CAT, "stream": True}),
    "mcp": lambda ada: ada.api("POST", "/mcp", json=CALL),
}


def create(ada) -> str:
    return ada.api("POST", CREATE, json=CAT).json["data"]["task_id"]


@pytest.fixture
def during(ada, soon):
    """Ask, and have something done while it waits; the answer, and its text."""

    def ask(wait: str, act):
        soon(act)
        answer = WAITS[wait](ada)
        return answer, answer.text

    return ask


@pytest.mark.parametrize("wait", WAITS)
def test_wait_ends_with_its_key(wait, ada, during, work_off, waits):
    """Also where the picture comes right after that: nobody hears of it."""

    def act() -> None:
        accounts.revoke_keys(OPERATOR, ada.id)
        wait_for(lambda: waits, what="the wait has ended")
        work_off()

    answer, text = during(wait, act)

    assert [is_over for _, is_over in waits] == [False]
    assert "/i/" not in text
    assert "completed" not in text
    if wait == "events":
        assert '"status": "pending"' in text or '"status":"pending"' in text
    elif wait == "stream":
        assert '"code": "invalid_api_key"' in text
    elif wait == "mcp":
        assert answer.json["result"]["isError"]
        assert "api_key_invalid" in text
    else:
        assert answer.status_code == 401


CHANGES = {
    "disabled": lambda ada: operations.users.disable(OPERATOR, ada.id),
    "expired": lambda ada: ApiKey.collection().update_many(
        {}, {"$set": {"expires_at": utcnow() - timedelta(seconds=1)}}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_wait_ends_with_what_the_key_rests_on(change, ada, during, waits):
    answer, _ = during("post", lambda: CHANGES[change](ada))

    refused(answer, 401, "api_key_invalid")
    assert [is_over for _, is_over in waits] == [False]


def test_admin_who_is_none_any_more_follows_nobody(secured, admin, ada, soon):
    """What the scope admin has opened is closed with it."""
    make_person(secured, "second@example.com", role="admin")  # one must stay
    path = f"/api/v1/ai/image/result/{create(ada)}"
    soon(lambda: users.set_role(OPERATOR, admin.id, "user"))

    answer = admin.api("GET", path, headers=LONG)

    refused(answer, 401, "api_key_invalid")


def test_change_that_takes_nothing_ends_no_wait(ada, during, work_off):
    """Another key's end, or another limit, is not this one's."""
    other, _ = accounts.create_key(OPERATOR, ada.id, name="other")

    def act() -> None:
        accounts.revoke_key(OPERATOR, ada.id, other.id)
        operations.users.set_quota(OPERATOR, ada.id, 50)
        time.sleep(1)  # by then it would have ended
        work_off()

    answer, _ = during("post", act)

    assert answer.status_code == 200
    assert answer.json["data"]["status"] == "completed"
