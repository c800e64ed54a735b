"""Guards: what a step makes sure of before it writes, seen where it matters."""

from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, Lane, QuotaUsage, utcnow
from jimeng.jobs import janitor, pump
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.rest import CAT, client_with
from tests.test_core import create, refusal, result

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


def test_name_is_stored_for_its_own_submission_only(client, provider):
    """What another submission of the picture was given is not taken for this one's."""

    def overtaken() -> Progress:
        change(submit_token="another's")
        return Progress("stray")

    provider.submits = [overtaken]
    create(client)
    run_queue()

    assert (generation().state, generation().remote_ids) == ("submitting", [])


@pytest.mark.parametrize("code", ["rate_limited", "concurrency_limited"])
def test_busy_provider_is_waited_for_beyond_the_deadline(client, provider, code):
    """Waiting for a place is no failure, however long it takes."""
    provider.submits = [refusal(code, transient=True)] * 2
    task_id = create(client)["task_id"]
    run_queue()
    change(first_sent_at=utcnow() - timedelta(hours=1))
    Lane.collection().update_many({}, {"$unset": {"not_before": ""}})

    work()

    assert len(provider.requests) == 2
    assert generation().state == "queued"
    assert result(client, task_id)["status"] == "processing"


def test_picture_that_is_taken_back_twice_has_failed(client, provider, work_off):
    """It is asked for once more, and not for ever."""
    provider.polls = [refusal(**TAKEN_BACK), refusal(**TAKEN_BACK)]

    task_id = create(client)["task_id"]
    work_off()

    assert result(client, task_id)["error"]["code"] == TAKEN_BACK["code"]
    assert len(provider.requests) == 2


def test_late_picture_that_is_taken_back_is_not_asked_for_anew(client, provider):
    """Its task has ended; nobody waits for what another would cost."""

    def stall() -> Progress:
        come_due(state="submitting")
        work()  # another consumer gives the submission up as unknown
        return Progress("late")

    provider.submits = [stall]
    provider.polls = [refusal(**TAKEN_BACK)]
    create(client)
    run_queue()
    come_due(state="generating")

    work()
    work()

    assert (generation().state, len(provider.requests)) == ("failed", 1)


def test_words_of_a_picture_that_will_not_come_are_forgotten(client, provider):
    """They stay with the task, which its owner can delete."""
    provider.submits = [refusal("content_refused")]

    create(client)
    run_queue()

    assert generation().state == "failed"
    assert generation().prompt is None


def ahead() -> float:
    """Seconds until the picture's time has come."""
    due_at = generation().due_at
    assert due_at is not None
    return (due_at - utcnow()).total_seconds()


def test_words_of_a_deleted_task_are_forgotten(client):
    """Its picture is under way, and charged all the same: that much is kept of it."""
    task_id = create(client)["task_id"]
    run_queue()

    client.delete(f"/api/v1/ai/image/task/{task_id}")

    assert (generation().state, generation().prompt) == ("generating", None)


def test_place_of_a_lost_submission_is_held_as_long_as_it_may_be_drawn(
    client, provider, registry, lane
):
    """The provider may be at it, and would refuse another."""
    provider.submits = [refusal("submit_unknown", maybe_accepted=True)]

    create(client)
    run_queue()

    slow = registry.by_lane(lane).slow
    assert generation().slot is not None
    assert ahead() == pytest.approx(slow, abs=60)


def test_late_looks_are_an_hour_and_eleven_after_the_acceptance(client, provider):
    """The provider keeps a picture for twelve."""
    provider.polls = [Progress("x")] * 2
    create(client)
    run_queue()
    since = timedelta(hours=0.5)
    change(accepted_at=utcnow() - since)
    come_due()
    work()
    first = ahead()
    come_due()
    work()

    assert first == pytest.approx(1800, abs=60)
    assert ahead() == pytest.approx(10.5 * 3600, abs=60)


def test_late_look_whose_time_is_over_is_made_now(client, provider):
    """A deadline that was noticed late still has its looks."""
    provider.polls = [Progress("x")]
    create(client)
    run_queue()
    change(accepted_at=utcnow() - timedelta(hours=5))
    come_due()

    work()

    assert ahead() == pytest.approx(0, abs=60)


def test_picture_that_waits_again_counts_as_waiting(
    database, config, registry, provider
):
    """Being refused for want of a place makes no room for another."""
    provider.submits = [refusal("concurrency_limited", transient=True)]
    with client_with(config, registry, USER_MAX_PENDING=1) as client:
        create(client)
        run_queue()

        again = client.post("/api/v1/ai/image/task", json=CAT)

    assert generation().state == "queued"
    assert (again.status_code, again.json["error"]) == (429, "too_many_pending")


def test_what_is_set_aside_unsent_is_given_back_to_the_day(client, lane):
    """It cost nothing, so another may be asked for."""
    create(client)
    day = generation().created_at.date()
    assert QuotaUsage.used_on("user_123", day) == 1
    change(width="wide")

    run_queue()

    assert generation().error["code"] == "not_understood"
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
