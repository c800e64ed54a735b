"""A provider that refuses the account, or does not answer, uses up no queue."""

from datetime import timedelta

import pytest

from jimeng import jobs, lanes, operations
from jimeng.cli.checks import accounts, external
from jimeng.cli.queue import report
from jimeng.documents import Generation, Lane, Worker, utcnow
from jimeng.errors import ProviderError
from jimeng.lanes import refusals
from jimeng.monitoring import readiness
from jimeng.operations import queue_actions
from jimeng.upkeep import janitor
from tests.admin.pages import ENGLISH, OPERATOR, text_of
from tests.conftest import come_due
from tests.forgetting import forget_lanes
from tests.lanes.test_accounts_told import MODEL, NAME
from tests.monitoring.test_metrics import scrape
from tests.test_core import create, result
from tests.test_guards import work

REFUSED = ProviderError("closed", code="access_denied", provider_code="50400")
LOST = ProviderError("?", code="submit_unknown", maybe_accepted=True, charged="unknown")
CONTENT = ProviderError("no", code="content_refused_prompt")


@pytest.fixture(autouse=True)
def no_back_off(monkeypatch) -> None:
    """Only the suspension holds back what waits."""
    monkeypatch.setattr(lanes.limits, "BACK_OFF_S", 0.0)


@pytest.fixture
def worker(database) -> None:
    soon = utcnow() + timedelta(minutes=5)
    Worker(id="w", started_at=utcnow(), seen_at=soon).save()


def send(times: int = 12) -> None:
    for _ in range(times):
        forget_lanes()
        work()
        come_due(state="generating")
        # The time of those that may be at the provider is over.
        come_due(state="unknown")


def record(lane: str) -> Lane:
    return lanes.read_lane(lane, fresh=True)


def order(client, *users: str) -> list[str]:
    return [create(client, user_id=each)["task_id"] for each in users]


def end_pause(lane: str) -> None:
    over = {"$set": {"not_before": utcnow() - timedelta(milliseconds=1)}}
    Lane.collection().update_one({"_id": lane}, over)
    forget_lanes()


def states(client, tasks: list[str]) -> list[str]:
    return [result(client, each)["status"] for each in tasks]


def codes(client, tasks: list[str]) -> list[tuple[str, str]]:
    found = [result(client, each).get("error") for each in tasks]
    return [(each["code"], each["charged"]) for each in found if each]


@pytest.mark.parametrize("error", [REFUSED, LOST], ids=["refused", "unanswered"])
def test_sending_rests_after_five_in_a_row(client, provider, lane, error):
    """Of two users: the others wait for an account that works, unpaid and unlost."""
    provider.submits = [error] * 99
    tasks = order(client, *["ada", "bob"] * 6)

    send()

    found = record(lane)
    assert len(provider.requests) <= refusals.FAILURES_TO_SUSPEND + provider_slots()
    assert len(provider.requests) == found.failures >= refusals.FAILURES_TO_SUSPEND
    assert (found.refused, found.failed_code) == (error.code, error.code)
    assert (found.rests, lanes.is_account_suspended(found)) == (1, True)
    assert sorted(found.failed_users) == ["ada", "bob"]
    assert states(client, tasks).count("pending") == 12 - found.failures


def provider_slots() -> int:
    return sum(
        *(each.values() for each in [*jobs.runtime().registry.limits.values()][:1])
    )


def test_one_user_alone_is_enough_unless_another_waits(client, provider, lane):
    """What one user submits may itself be the cause: the other's decides."""
    provider.submits = [REFUSED] * 5
    mine = order(client, *["ada"] * 5)
    send(5)
    assert record(lane).refused == "access_denied"
    assert states(client, mine) == ["failed"] * 5


def test_other_user_who_waits_is_asked_first(client, provider, lane):
    generation = Generation(
        id="x_0", lane=lane, user_id="ada", task_id="x", sent_at=utcnow()
    )
    order(client, "bob")
    for _ in range(refusals.FAILURES_TO_SUSPEND + 2):
        lanes.record_failure(generation, "access_denied")
    assert record(lane).refused is None

    generation.user_id = "bob"
    lanes.record_failure(generation, "access_denied")

    assert record(lane).refused == "access_denied"


@pytest.mark.parametrize("answer", [None, CONTENT], ids=["accepted", "content"])
def test_other_answer_ends_the_series(client, provider, lane, answer):
    """Accepted, or refused for the picture's sake: it is not the account."""
    for _ in range(3):
        provider.submits = [REFUSED] * 4 + ([answer] if answer else [])
        order(client, *["ada", "bob"] * 2, "ada")
        for _ in range(5):
            send(2)
            assert record(lane).refused is None

    assert record(lane).failures == 0
    assert record(lane).failed_users == []


def test_one_trial_per_pause_fails_with_its_reason(client, provider, lane, worker):
    """However many dispatches try: then the pauses double, to ten minutes."""
    provider.submits = [REFUSED] * 99
    tasks = order(client, *["ada", "bob"] * 8)
    send()
    pauses = []
    for n in range(1, 6):
        sent = len(provider.requests)
        end_pause(lane)
        send(4)
        assert len(provider.requests) == sent + 1
        found = record(lane)
        assert found.rests == n + 1
        pauses.append((found.not_before - found.suspended_at).total_seconds())

    means = [120, 240, 480, 600, 600]
    for pause, mean in zip(pauses, means, strict=True):
        assert 0.75 * mean - 1 <= pause <= 1.25 * mean + 1
    failed = [each for each in codes(client, tasks)]
    assert set(failed) == {("access_denied", "no")}
    assert len(failed) == len(provider.requests)
    assert record(lane).suspended_since < record(lane).suspended_at


def test_acceptance_ends_it(client, provider, lane, worker):
    """Whatever waits is sent at once; nothing was lost or sent twice."""
    provider.submits = [REFUSED] * 99
    tasks = order(client, *["ada", "bob"] * 5)
    send()
    provider.submits = []
    end_pause(lane)

    send()

    found = record(lane)
    assert (found.refused, found.rests, found.failures) == (None, 0, 0)
    assert (found.suspended_since, found.failing_since) == (None, None)
    assert len(provider.requests) == len(tasks)
    assert "pending" not in states(client, tasks)


def test_trial_is_not_wasted_and_not_taken_twice(client, provider, lane):
    """Without a picture there is none; of two processes one takes it."""
    suspended(lane, pause_s=-1)
    account_lane = lanes.AccountLane(lane)
    assert lanes.claim(lane, {"main": 2}) is None
    before = lanes.read_lane(lane, fresh=True)

    assert refusals.take_trial(account_lane)
    lanes.limits._lanes[lane] = (float("inf"), before)  # as another process read it
    assert not refusals.take_trial(account_lane)


def test_second_picture_waits_for_the_trial(client, lane):
    """Also while that is under way, and a slot is free."""
    order(client, "ada", "bob")
    suspended(lane, pause_s=-1)
    trial = lanes.claim(lane, {"main": 2})
    forget_lanes()

    assert trial is not None
    assert lanes.claim(lane, {"main": 2}) is None
    assert lanes.count_sendable({lane: {"main": 2}}) == {lane: 0}


def test_pictures_sent_before_the_suspension_are_no_trials(client, lane):
    """Their failures come in later, and do not lengthen the pause."""
    suspended(lane)
    early = Generation(id="x_0", lane=lane, user_id="ada", task_id="x")
    early.sent_at = utcnow() - timedelta(minutes=1)
    for _ in range(7):
        lanes.record_failure(early, "access_denied")

    assert (record(lane).rests, record(lane).failures) == (1, 12)


def suspended(lane: str, *, pause_s: float = 60.0, since_s: float = 0.0) -> None:
    now = utcnow()
    since = now - timedelta(seconds=since_s)
    Lane(
        **{"id": lane, "refused": "access_denied", "rests": 1, "failures": 5},
        **{"failed_code": "access_denied", "failed_users": ["ada", "bob"]},
        **{"failing_since": since, "failed_at": now, "suspended_at": now},
        **{"suspended_since": since, "not_before": now + timedelta(seconds=pause_s)},
    ).save()
    forget_lanes()


def test_what_waits_says_so(client, provider, lane, worker):
    """By REST, with no estimate of when it starts; and not once it is accepted."""
    (task,) = order(client, "ada")
    suspended(lane)

    found = result(client, task)
    assert (
        "the provider refuses" in found["message"] or "服务商不受理" in found["message"]
    )
    assert found.get("eta_seconds") is None

    lanes.limits.end_suspension(lane, "main")
    forget_lanes()
    assert "不受理" not in result(client, task)["message"]


def test_after_the_deadline_it_fails_unpaid(client, config, provider, lane, worker):
    """With the account's code; what came later, or was delayed, waits on."""
    old, delayed, new = order(client, "ada", "bob", "eve")
    deadline = timedelta(seconds=config.TASK_DEADLINE)
    long_ago = utcnow() - deadline - timedelta(seconds=1)
    rows = Generation.collection()
    rows.update_many(
        {"task_id": {"$in": [old, delayed]}}, {"$set": {"created_at": long_ago}}
    )
    tasks = jobs.endings.Task.collection()
    tasks.update_one({"_id": delayed}, {"$set": {"not_before": utcnow()}})
    suspended(lane, since_s=config.TASK_DEADLINE / 2)
    assert not janitor.fail_refused()
    assert states(client, [old, delayed, new]) == ["pending"] * 3
    suspended(lane, since_s=config.TASK_DEADLINE + 1)

    assert not janitor.fail_refused()

    assert states(client, [old, delayed, new]) == ["failed", "pending", "pending"]
    assert codes(client, [old]) == [("access_denied", "no")]
    assert provider.requests == []


def test_unsent_picture_is_not_said_to_be_perhaps_paid(client, config, lane, worker):
    """Where nothing was answered: it was not sent, unlike those before it."""
    (task,) = order(client, "ada")
    suspended(lane, since_s=config.TASK_DEADLINE + 1)
    long_ago = utcnow() - timedelta(seconds=config.TASK_DEADLINE + 1)
    Generation.collection().update_many({}, {"$set": {"created_at": long_ago}})
    Lane.collection().update_one({"_id": lane}, {"$set": {"refused": "submit_unknown"}})

    janitor.fail_refused()

    assert codes(client, [task]) == [("provider_unreachable", "no")]


def test_rest_of_the_release_before_is_kept(client, provider, lane):
    """It knows no trials and no series: its record is read, and ends as its own."""
    over = utcnow() - timedelta(seconds=1)
    Lane(id=lane, refused="access_denied", rests=3, not_before=over).save()
    provider.submits = [REFUSED]
    (task, _) = order(client, "ada", "bob")

    send(3)

    assert codes(client, [task]) == [("access_denied", "no")]
    assert (record(lane).rests, len(provider.requests)) == (4, 1)


def told_by_command() -> str:
    return "\n".join(report(operations.queue.read_queue(OPERATOR)))


def test_refusals_are_told_everywhere(client, config, provider, lane, worker):
    """With model, code, how many of how many, and since when; then no more."""
    suspended(lane, since_s=90)
    share = ("main", lane, MODEL, NAME)

    answer = client.get("/health/ready")
    (told,) = answer.json["provider_refuses"]
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert (told["model"], told["lane"]) == (MODEL, lane)
    assert (told["code"], told["failed"]) == ("access_denied", 5)
    assert told["since"] < told["latest_at"] < told["suspended_until"]
    (finding,) = accounts.refusals(config)
    assert (finding.check, finding.status) == (f"submissions of {MODEL}", "failed")
    assert finding.found.startswith("5 of 5 failed since ")
    assert "access_denied; next attempt at" in finding.found
    assert finding.advice == "error.access_denied"
    assert external.failing_lanes() == {lanes.AccountLane(lane)}
    said = "5 of 5 submissions failed"
    assert said in told_by_command()
    board = text_of(client.get("/admin/queue", headers=ENGLISH))
    assert "Submissions failed: 5 of 5 (access_denied), next attempt at" in board
    figures = scrape(client)
    assert figures["jimeng_lane_failures_in_a_row", *share] == 5
    assert figures["jimeng_lane_account_refused", *share] == 1

    lanes.limits.end_suspension(lane, "main")

    assert list(accounts.refusals(config)) == []
    assert said not in told_by_command()


def test_failure_of_long_ago_is_not_told(client, config, lane, worker):
    """One of the last quarter of an hour is, also before the fifth."""
    failed = Generation(id="x_0", lane=lane, user_id="ada", task_id="x")
    lanes.record_failure(failed, "submit_unknown")
    (finding,) = accounts.refusals(config)
    assert (finding.status, finding.advice) == ("warning", "doctor.provider_silent")
    assert client.get("/health/ready").json["provider_refuses"][0]["failed"] == 1

    long_ago = utcnow() - refusals.TOLD_FOR - timedelta(seconds=1)
    Lane.collection().update_one({"_id": lane}, {"$set": {"failed_at": long_ago}})
    forget_lanes()
    readiness._state.cached = None

    assert list(accounts.refusals(config)) == []
    assert client.get("/health/ready").json["provider_refuses"] == []


def test_operator_resets_it(client, lane):
    suspended(lane)

    queue_actions.reset_lane(OPERATOR, lane)

    found = record(lane)
    assert (found.refused, found.failures, found.not_before) == (None, 0, None)
