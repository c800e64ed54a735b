"""Guards: what a step makes sure of before it writes, seen where it matters."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, QuotaUsage, utcnow
from jimeng.jobs import pump
from jimeng.providers import Progress
from jimeng.upkeep import janitor
from tests.conftest import come_due, run_queue
from tests.rest import CAT, client_with
from tests.test_core import begin, create, refusal, result

TAKEN_BACK = {"code": "content_refused_picture", "new_seed": True}


def generation() -> Generation:
    found = Generation.find_one({})
    assert found is not None
    return found


def change(**fields: object) -> None:
    Generation.collection().update_many({}, {"$set": fields})


def work() -> None:
    pump.tick()
    run_queue()


def work_due(**where: object) -> None:
    """The time of those pictures has come, and what is to be done is done."""
    come_due(**where)
    work()


def beyond_its_lease(answer: Progress | Exception) -> Callable[[], object]:
    """An answer that comes when another consumer has given it up as unknown."""

    def stall() -> object:
        work_due(state="submitting")
        return answer

    return stall


def test_name_is_stored_for_its_own_submission_only(client, provider):
    """What another submission of the picture was given is not taken for this one's."""

    def overtaken() -> Progress:
        change(submit_token="another's")
        return Progress("stray")

    provider.submits = [overtaken]
    begin(client)

    assert (generation().state, generation().remote_ids) == ("submitting", [])


def test_late_picture_that_is_taken_back_is_not_asked_for_anew(client, provider):
    """Its task has ended; nobody waits for what another would cost."""
    provider.submits = [beyond_its_lease(Progress("late"))]
    provider.polls = [refusal(**TAKEN_BACK)]
    begin(client)
    come_due(state="generating")

    work()
    work()

    assert (generation().state, len(provider.requests)) == ("failed", 1)


def ahead() -> float:
    """Seconds until the picture's time has come."""
    due_at = generation().due_at
    assert due_at is not None
    return (due_at - utcnow()).total_seconds()


def test_lost_submission_is_not_sent_again_and_holds_its_place(
    client, provider, registry, lane, work_off
):
    """The provider may be at it, and would refuse another as long as it may be."""
    unknown = {"maybe_accepted": True, "charged": "unknown"}
    provider.submits = [refusal("submit_unknown", **unknown)]
    task_id = create(client)["task_id"]

    work_off()

    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("submit_unknown", "unknown")
    assert generation().slot is not None
    assert ahead() == pytest.approx(registry.by_lane(lane).slow, abs=60)
    come_due(state="unknown")
    work_off()
    assert generation().slot is None
    assert len(provider.requests) == 1


def test_picture_that_waits_again_counts_as_waiting(
    database, config, registry, provider
):
    """Being refused for want of a place makes no room for another."""
    provider.submits = [refusal("concurrency_limited", transient=True)]
    with client_with(config, registry, USER_MAX_PENDING=1) as client:
        begin(client)

        again = client.post("/api/v1/ai/image/task", json=CAT)

    assert generation().state == "queued"
    assert (again.status_code, again.json["error"]) == (429, "too_many_pending")


def test_what_is_set_aside_unsent_is_given_back_to_the_day(client, lane):
    """It cost nothing, so another may be asked for; what was sent may have cost."""
    create(client)
    day = generation().budget_day
    assert QuotaUsage.used_on("user_123", day) == 1
    change(width="wide")

    run_queue()

    assert generation().error["code"] == "not_understood"
    assert QuotaUsage.used_on("user_123", day) == 0
    for state, charged in (("generating", "unknown"), ("saving", "yes")):
        change(state=state, due_at=utcnow())
        work_due()
        assert (generation().state, generation().error["charged"]) == (
            "failed",
            charged,
        )
        assert QuotaUsage.used_on("user_123", day) == 0


def test_no_more_is_reserved_than_there_is_room_for(client):
    """What is reserved and not queued would stand still until that is over."""
    for _ in range(3):
        create(client)
    jobs.huey.storage.flush_queue()
    change(state="generating", due_at=utcnow())

    count, _ = pump.queue_due(2)

    assert count == jobs.huey.storage.queue_size() == 2
    owned = {"owner": {"$exists": True}}
    assert Generation.collection().count_documents(owned) == 2


def test_picture_of_a_lane_that_is_not_served_is_given_time(client, config):
    """Another server with the keys may just be starting."""
    create(client)
    change(lane="elsewhere:model")
    young = utcnow() - timedelta(seconds=config.TASK_DEADLINE - 60)
    change(created_at=young)

    janitor.fail_unserved()
    before = generation().state
    change(created_at=young - timedelta(minutes=2))
    janitor.fail_unserved()

    assert (before, generation().state) == ("queued", "failed")
