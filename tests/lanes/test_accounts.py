"""Several accounts: each with a limit of its own, and each picture stays with one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jimeng import jobs, lanes
from jimeng.documents import Generation, Lane, utcnow
from jimeng.errors import ProviderError
from jimeng.providers import Progress, Registry
from tests.conftest import FakeProvider, come_due, png
from tests.forgetting import forget_lanes
from tests.lanes.test_lanes import waiting
from tests.test_core import create, result
from tests.test_guards import work

NAME = "volcengine_jimeng"
LIMITS = {"main": 2, "studio": 3}
REVOKED = ProviderError("no such key", code="credentials_invalid")
LOST = ProviderError("cut off", code="submit_unknown", maybe_accepted=True)


@pytest.fixture
def studio() -> FakeProvider:
    """What the account ``studio`` is answered; the main one's is `provider`."""
    made = FakeProvider()
    made.concurrency = LIMITS["studio"]
    return made


@pytest.fixture
def registry(provider, studio) -> Registry:
    others = {"studio": {NAME: studio}}
    return Registry({NAME: provider}, {NAME: LIMITS["main"]}, others=others)


def pictures() -> list[Generation]:
    return [Generation.read(row) for row in Generation.collection().find()]


def send() -> None:
    forget_lanes()
    work()


def test_each_account_has_its_own_slots(database, lane):
    """Of twenty that claim at once; one that is given back is that account's again."""
    for number in range(20):
        waiting(lane, "ada", number, f"a{number}")

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: lanes.claim(lane, LIMITS), range(20)))

    held = sorted(str(each.slot) for each in taken if each)
    assert held == ["0", "1", "studio/0", "studio/1", "studio/2"]
    assert {each.of_account for each in taken if each} == set(LIMITS)
    assert sorted(each.turn for each in taken if each) == list(range(5))
    assert lanes.count_sendable({lane: LIMITS}) == {lane: 0}
    gone = Generation.collection().find_one({"slot": "studio/1"})
    Generation.collection().update_one({"_id": gone["_id"]}, {"$unset": {"slot": ""}})
    lanes.release_slot(lane, "studio/1")
    again = lanes.claim(lane, LIMITS)
    assert (again.of_account, again.slot) == ("studio", "studio/1")
    assert lanes.claim(lane, LIMITS) is None


def test_larger_account_is_given_more(database, lane):
    """Slots are drawn by lot, each with the same chance."""
    drawn = [
        next(iter(lanes.claims.slot_candidates(lane, LIMITS)))[0] for _ in range(200)
    ]

    assert 85 < sum(each.account == "studio" for each in drawn) < 155


def test_picture_stays_with_its_account(client, provider, studio, work_off):
    """Whoever took it is asked for it, also by a process that began since."""
    tasks = [create(client, user_id="ada", n=4)["task_id"] for _ in range(3)]
    studio.submits = [lambda n=n: Progress(f"studio-{n}") for n in range(20)]
    provider.submits = [lambda n=n: Progress(f"main-{n}") for n in range(20)]

    work_off()

    assert [result(client, each)["status"] for each in tasks] == ["completed"] * 3
    assert provider.polled and studio.polled
    assert all(each.startswith("main-") for each in provider.polled)
    assert all(each.startswith("studio-") for each in studio.polled)


def test_refusal_of_one_is_not_the_others(client, lane, studio, monkeypatch):
    """Too many at one account: that one is left alone, the other goes on."""
    monkeypatch.setattr(lanes.limits, "BACK_OFF_S", 60.0)
    studio.submits = [ProviderError("x", code="concurrency_limited", transient=True)]
    create(client, user_id="ada", n=4)
    create(client, user_id="ada", n=4)
    studio_row = lanes.AccountLane(lane, "studio").record
    send()

    assert lanes.read_lane(studio_row, fresh=True).not_before is not None
    assert lanes.read_lane(lane, fresh=True).not_before is None


@pytest.mark.parametrize("code", ["credentials_invalid", "quota_exhausted"])
def test_refused_account_rests_and_others_draw(client, lane, studio, work_off, code):
    """Nobody's picture fails: it goes to the other, and the refused one is known."""
    studio.submits = [ProviderError("no", code=code) for _ in range(50)]
    tasks = [create(client, user_id="ada", n=4)["task_id"] for _ in range(2)]

    for _ in range(40):
        send()
        come_due(state="generating")
        if all(result(client, each)["status"] == "completed" for each in tasks):
            break

    assert [result(client, each)["status"] for each in tasks] == ["completed"] * 2
    assert 1 <= len(studio.requests) <= LIMITS["studio"]
    record = lanes.read_lane(lanes.AccountLane(lane, "studio").record, fresh=True)
    assert (record.refused, lanes.is_account_suspended(record)) == (code, True)


def test_last_account_says_why(client, provider, studio, work_off):
    """
    Where all are refused it fails as with one account, and says what to do. Of those
    behind it some say why, more and more seldom: the others wait for a key that works.
    """
    provider.submits, studio.submits = [REVOKED] * 99, [REVOKED] * 99
    task = create(client, user_id="ada")["task_id"]
    for _ in range(4):
        send()

    found = result(client, task)

    assert (found["status"], found["error"]["code"]) == ("failed", REVOKED.code)
    assert found["error"]["charged"] == "no"
    more = [create(client, user_id="ada", n=4)["task_id"] for _ in range(5)]
    for _ in range(20):
        send()
    left = [result(client, each)["status"] for each in more]
    assert left.count("failed") <= 1 and left.count("pending") >= 3


def test_account_that_works_again_rests_no_more(client, lane, studio, work_off):
    """After its rest one picture is tried, and then it has all its slots."""
    suspend(lane, "account_overdue")
    account_lane = lanes.AccountLane(lane, "studio")
    its_rest_is_over = {"$set": {"not_before": None}}
    Lane.collection().update_one({"_id": account_lane.record}, its_rest_is_over)
    forget_lanes()
    assert len(lanes.free_slots(lane, 3, "studio")) == 1

    lanes.record_acceptance(lane, "studio", is_finished=False)

    assert len(lanes.free_slots(lane, 3, "studio")) == 3
    assert lanes.read_lane(account_lane.record, fresh=True).refused is None


def suspend(lane: str, code: str) -> None:
    """The account ``studio`` is refused a picture that was sent just now."""
    sent = Generation(id="x_0", task_id="x", user_id="ada", lane=lane, account="studio")
    sent.sent_at = utcnow() + timedelta(seconds=1)
    lanes.record_failure(sent, code, may_suspend_at_once=True)


def test_rest_doubles(database, lane, monkeypatch):
    """A key that stays revoked costs a call now and then, and no more."""
    ends, now = [], utcnow()
    monkeypatch.setattr(lanes.refusals, "utcnow", lambda: now)
    for _ in range(8):
        suspend(lane, "credentials_invalid")
        row = lanes.read_lane(lanes.AccountLane(lane, "studio").record, fresh=True)
        ends.append((row.not_before - now).total_seconds())

    assert 40 < ends[0] < 80
    assert 450 <= ends[-1] <= 750


def test_removed_account_is_asked_no_more(
    client, lane, provider, studio, registry, config
):
    """Its pictures end as unknown, nobody sends them again; back in time they come."""
    provider.submits = [ProviderError("x", code="rate_limited", transient=True)] * 99
    task = create(client, user_id="ada")["task_id"]
    for _ in range(40):
        if studio.requests:
            break
        Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
        send()
    provider.submits.clear()

    jobs.configure(config, Registry({NAME: provider}, {NAME: 2}))
    assert lanes.count_foreign_slots(
        lanes.account_lanes_of(jobs.runtime().registry.limits)
    ) == {lanes.AccountLane(lane, "studio"): 1}
    long_ago = utcnow() - timedelta(seconds=2 * config.TASK_DEADLINE)
    Generation.collection().update_many({}, {"$set": {"accepted_at": long_ago}})
    come_due()
    send()

    error = result(client, task)["error"]
    assert (error["code"], error["charged"]) == ("account_removed", "unknown")
    assert provider.polled == []
    again = client.post(f"/api/v1/tasks/{task}/retry", json={})
    assert (again.status_code, again.json["error"]) == (409, "may_be_charged_twice")

    jobs.configure(config, registry)
    come_due()
    send()

    assert result(client, task)["status"] == "completed"
    assert len(studio.requests) == 1


def test_picture_that_waits_again_is_nobodys(client, studio, provider):
    """Whichever account has a slot first may draw it."""
    busy = ProviderError("x", code="rate_limited", transient=True)
    provider.submits, studio.submits = [busy] * 5, [busy] * 5
    create(client, user_id="ada")
    send()

    (found,) = pictures()
    assert (found.state, found.account, found.slot) == ("queued", None, None)


def test_saved_links_are_asked_for_at_its_account(client, provider, studio):
    """Fresh links come from whoever drew it."""
    made = create(client, user_id="ada")["task_id"]
    studio.polls = [Progress("old", done=True, images=(png(),))]
    Generation.collection().update_one(
        {"task_id": made},
        {
            "$set": {
                **{"state": "saving", "account": "studio", "remote_ids": ["old"]},
                **{"due_at": utcnow(), "drawn_at": utcnow()},
            },
            "$unset": {"waiting": ""},
        },
    )
    come_due()
    send()

    assert studio.polled == ["old"] and provider.polled == []
    assert Generation.find_one({"task_id": made}).state == "done"
