"""An estimate says what the order would be answered, and uses nothing up."""

import base64
from datetime import datetime

import pytest

from jimeng import lanes, limits
from jimeng.billing import budgets
from jimeng.billing.costs import today
from jimeng.documents import QuotaUsage, Task, User, utcnow
from jimeng.schemas.fields import moment
from tests.access.conftest import ada, built_closed, call, closed, secured
from tests.access.test_keys import new_key
from tests.batches.conftest import BATCHES, act, fill, lines, look
from tests.batches.conftest import ask as ask_batch
from tests.billing.conftest import PRICE, settle
from tests.billing.test_budgets import ask, limited
from tests.conftest import png
from tests.mcp.conftest import Agent
from tests.mcp.test_tools import conforms
from tests.rest import API, CAT, CREATE, client_with, create, data_of, refused

__all__ = ["ada", "built_closed", "closed", "limited", "secured"]

USER = CAT["user_id"]
FREE = {"allowed": True, "reason": None, "message": None, "reopens_at": None}
UNPRICED = "jimeng-2.1"


def tomorrow() -> str:
    return str(moment(budgets.reopens_at(today().isoformat(), "day")))


def estimate(client, **fields) -> dict:
    body = {**CAT, **fields}
    return data_of(client.post(f"{CREATE}?dry_run=1", json=body))["estimate"]


def told(estimated: dict) -> tuple:
    """Whether it is allowed, and why not, which is said in words, too."""
    assert bool(estimated["message"]) == bool(estimated["reason"])
    return estimated["allowed"], estimated["reason"]


def check_as_answered(client, code: str | None, **fields) -> dict:
    """Estimate, then order: they must say the same; return what the first said."""
    found = estimate(client, **fields)
    answer = ask(client, **fields)
    if code is None:
        data_of(answer, 202)
        assert found == FREE
    else:
        assert (answer.json["error"], found["message"]) == (
            *(code, answer.json["message"]),
        )
        assert told(found) == (False, code)
    return found


@pytest.mark.parametrize(
    "name",
    ["USER_DAILY_BUDGET", "USER_MONTHLY_BUDGET", "DAILY_BUDGET", "MONTHLY_BUDGET"],
)
def test_estimate_knows_the_budget(limited, name):
    """It says when it reopens, as the refusal does; estimates reserve nothing."""
    with limited(**{name: 3}) as client:
        for _ in range(9):
            assert estimate(client) == FREE
        check_as_answered(client, None, n=2)

        found = check_as_answered(client, "budget_exceeded", n=2)

        body = refused(ask(client, n=2), 402, "budget_exceeded")
        assert datetime.fromisoformat(found["reopens_at"]) == datetime.fromisoformat(
            body["budget"]["reopens_at"]
        )
        check_as_answered(client, None)
        assert Task.objects.count() == 2


def test_refused_estimate_is_no_refused_order(limited):
    """No webhook tells of it, and nothing is stored."""
    with limited(USER_DAILY_BUDGET=1) as client:
        create(client)
        before = QuotaUsage.collection().find_one({})

        assert not estimate(client)["allowed"]

        assert QuotaUsage.collection().find_one({}) == before


def test_estimate_knows_that_a_price_is_missing(client, limited):
    """`cost` is null as before; without a budget nothing stands in the way."""
    assert estimate(client, model=UNPRICED) == FREE
    with limited(USER_DAILY_BUDGET=9) as poor:
        found = check_as_answered(poor, "price_unknown", model=UNPRICED)
        assert found["reopens_at"] is None


def test_estimate_knows_the_other_limits(client, config, registry):
    """Of the intake, of a day's pictures, of a minute, and of those that wait."""
    lanes.pause("intake", "root")
    check_as_answered(client, "intake_paused")
    lanes.resume("intake")
    User(id=USER, email="a@b.c", email_key="a@b.c", name="a", daily_quota=2).add()
    limits.clear_quota_cache()
    check_as_answered(client, None, n=2)
    found = check_as_answered(client, "quota_exceeded")
    assert found["reopens_at"] > str(moment(utcnow()))
    for name, code in (
        ("USER_SUBMISSIONS_PER_MINUTE", "too_many_submissions"),
        ("USER_MAX_PENDING", "too_many_pending"),
    ):
        with client_with(config, registry, **{name: 2}) as other:
            for _ in range(2):
                check_as_answered(other, None, user_id=name)
            check_as_answered(other, code, user_id=name)


def test_estimate_knows_the_limits_of_the_key(ada):
    """Each before those of its user, as the order does."""
    for code, limit in (
        ("budget_exceeded", {"daily_budget_micros": PRICE}),
        ("key_quota_exceeded", {"pictures_per_day": 1}),
        ("key_too_many_submissions", {"tasks_per_minute": 1}),
    ):
        key = new_key(ada, **limit)
        for expected in (None, code):
            body = {"prompt": "猫"}
            where = f"{CREATE}?dry_run=1"
            dry = call(ada.client, "POST", where, key=key["key"], json=body)
            found = data_of(dry)["estimate"]
            answer = call(ada.client, "POST", CREATE, key=key["key"], json=body)
            assert found["reason"] == expected == answer.json.get("error"), code


def test_estimate_of_a_video_knows_the_budget(limited):
    """The price is that of the request, and so is the decision."""
    video = f"{API}/ai/video/task?dry_run=1"
    with limited(USER_DAILY_BUDGET=1) as client:
        assert told(data_of(client.post(video, json=CAT))["estimate"]) == (
            *(False, "budget_exceeded"),
        )
    with limited(USER_DAILY_BUDGET=1000) as client:
        assert data_of(client.post(video, json=CAT))["estimate"] == FREE


def test_estimate_of_a_retry_knows_the_budget(limited):
    with limited(USER_DAILY_BUDGET=2) as client:
        made = create(client, n=2)
        data_of(client.post(f"{API}/tasks/{made}/cancel"))
        settle()
        path = f"{API}/tasks/{made}/retry"
        assert data_of(client.post(f"{path}?dry_run=1"))["estimate"] == FREE
        create(client)
        found = data_of(client.post(f"{path}?dry_run=1"))["estimate"]
        assert told(found) == (False, "budget_exceeded")
        refused(client.post(path), 402, "budget_exceeded")


def test_estimate_of_a_batch_says_what_it_will_wait_for(limited):
    """It is accepted as the order is; its end is unknown, until the budget reopens."""
    body = {"template": lines(5), "user_id": USER}
    with limited(USER_DAILY_BUDGET=3) as client:
        few = {**body, "template": lines(3)}
        assert (
            data_of(client.post(f"{BATCHES}?dry_run=1", json=few))["estimate"] == FREE
        )

        found = data_of(client.post(f"{BATCHES}?dry_run=1", json=body))["estimate"]

        assert told(found) == (True, "budget_exceeded")
        assert found["reopens_at"] == tomorrow()
        made = ask_batch(client, lines(5))
        assert made["eta_seconds"] is None
        fill()
        waits = look(client, made["batch_id"])["waits"]
        assert (waits["code"], waits["reopens_at"]) == ("budget_exceeded", tomorrow())
        assert waits["until"] < waits["reopens_at"]  # the budget may be raised
        data_of(act(client, made["batch_id"], "cancel"))
        again = f"{BATCHES}/{made['batch_id']}/retry?dry_run=1"
        found = data_of(client.post(again, json={"rest": True}))
        assert (found["n"], told(found["estimate"])) == (5, (True, "budget_exceeded"))


def test_estimate_of_a_batch_that_is_refused_says_so(client, config, registry):
    """By the intake, a quota that one prompt exceeds, and the limit per minute."""
    body = {"template": "猫", "user_id": USER, "n": 2}

    def dry_run(client) -> tuple:
        return told(data_of(client.post(f"{BATCHES}?dry_run=1", json=body))["estimate"])

    assert dry_run(client) == (True, None)
    with client_with(config, registry, USER_SUBMISSIONS_PER_MINUTE=1) as other:
        create(other)
        assert dry_run(other) == (False, "too_many_submissions")
        refused(other.post(BATCHES, json=body), 429, "too_many_submissions")
    with client_with(config, registry, USER_DAILY_QUOTA=1) as other:
        assert dry_run(other) == (False, "quota_exceeded")
        refused(other.post(BATCHES, json=body), 429, "quota_exceeded")
    lanes.pause("intake", "root")
    assert dry_run(client) == (False, "intake_paused")


def test_batch_that_fits_the_budget_has_an_end(limited):
    """What is left is what counts: each of its pictures is counted once."""
    with limited(USER_DAILY_BUDGET=30) as client:
        made = ask_batch(client, lines(30))
        assert 0 < Task.objects.count() < 30
        assert made["eta_seconds"] > 0
        User(
            **{"id": USER, "email": "a@b.c", "email_key": "a@b.c", "name": "a"},
            daily_budget_micros=29 * PRICE,
        ).add()
        limits.clear_quota_cache()
        assert look(client, made["batch_id"])["eta_seconds"] is None


def test_bulk_retry_is_estimated_before(limited):
    """Each as if those before it had been retried, and why the others would not be."""
    with limited(USER_DAILY_BUDGET=6) as client:
        ids = [create(client, n=2) for _ in range(3)]
        for each in ids:
            data_of(client.post(f"{API}/tasks/{each}/cancel"))
        settle()
        create(client)  # five are left
        body = {"ids": [ids[0], "task_none", *ids[1:]]}

        found = data_of(client.post(f"{API}/tasks/retry?dry_run=1", json=body))

        assert found["dry_run"] is True
        assert [each["task_id"] for each in found["results"]] == body["ids"]
        assert [told(each["estimate"]) for each in found["results"]] == [
            (True, None),
            (False, "task_not_found"),
            (True, None),
            (False, "budget_exceeded"),
        ]
        assert [each["n"] for each in found["results"]] == [2, None, 2, 2]
        assert [each["cost_micros"] for each in found["results"]] == [
            *(2 * PRICE, None, 2 * PRICE, 2 * PRICE),
        ]
        assert (found["n"], found["cost"]) == (4, "0.80")
        assert found["cost_micros"] == 4 * PRICE
        assert told(found["estimate"]) == (False, "task_not_found")
        assert Task.objects.count() == 4
        done = data_of(client.post(f"{API}/tasks/retry", json=body))["results"]
        assert [each.get("error") for each in done] == [
            each["estimate"]["reason"] for each in found["results"]
        ]


@pytest.mark.parametrize("tool", ["generate_image", "edit_image"])
def test_agents_ask_for_how_much_first(limited, quick_room, tool):
    """Pictures too; nothing is drawn, and an equal call draws afterwards."""
    wanted: dict = {"prompt": "猫", "n": 2}
    if tool == "edit_image":
        image = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
        wanted |= {"images": [image], "model": "doubao-seedream-4.0"}
    with limited(USER_DAILY_BUDGET=100) as client:
        agent = Agent(client, is_stateless=False)
        found = conforms(agent.call(tool, **wanted, dry_run=True), tool)
        assert found["dry_run"] and found["cost"]["micros_of_all"] > 0
        assert found["estimate"] == FREE
        assert Task.find_one({}) is None
        made = agent.done(tool, **wanted, wait_seconds=0, dry_run=False)
        assert made["task_id"]
    with limited(USER_DAILY_BUDGET=1) as client:
        agent = Agent(client, is_stateless=False)
        found = agent.done(tool, **wanted, dry_run=True)
        assert told(found["estimate"]) == (False, "budget_exceeded")
