"""Two things in the moment of one another: the small cases behind the machine's."""

from dataclasses import replace
from datetime import timedelta

import mongoengine
import pytest
from pymongo.errors import AutoReconnect

from jimeng import jobs, tasks
from jimeng.documents import Generation, QuotaUsage, Task
from jimeng.documents.principal import Principal
from jimeng.jobs import endings, janitor, pump, submission
from jimeng.providers import Progress
from jimeng.tasks import cancellation, deletion
from tests.conftest import come_due, png, run_queue
from tests.machine.boundary import Boundaries, Clock, Died, wrap_writes
from tests.test_core import create, refusal, result

OPERATOR = Principal("operator", is_operator=True)
DONE = Progress("", done=True, images=(png(),))


def once(monkeypatch, owner: object, name: str, *, before=None, after=None) -> None:
    """Let something happen at the next call of *owner*'s *name*, and only there."""
    original = getattr(owner, name)

    def wrapped(*args, **kwargs):
        monkeypatch.setattr(owner, name, original)
        if before:
            before()
        found = original(*args, **kwargs)
        if after:
            after()
        return found

    monkeypatch.setattr(owner, name, wrapped)


def die() -> None:
    raise Died


def work() -> None:
    pump.tick()
    run_queue()


@pytest.fixture
def synchronous(app, registry, monkeypatch):
    """The model of the tests, as one that answers with the picture."""
    model = replace(registry.model(None), is_synchronous=True, answer_within=60.0)
    monkeypatch.setattr(registry, "by_lane", lambda lane: model)


def test_task_deleted_between_claim_and_sending(
    client, provider, work_off, monkeypatch
):
    """Its words are gone by then, and nothing is asked for without words."""
    task_id = create(client)["task_id"]
    once(
        monkeypatch,
        submission,
        "mark_submitting",
        before=lambda: tasks.delete(OPERATOR, task_id),
    )

    run_queue()
    come_due(state="starting")
    work_off()

    assert provider.requests == []
    assert Generation.objects.first().state == "dropped"


def test_deletion_that_was_cut_off_sends_nothing(client, provider, monkeypatch):
    """A task that is hidden from its owner is not begun."""
    task_id = create(client)["task_id"]
    monkeypatch.setattr(deletion, "drop_waiting", lambda task_ids: die())
    with pytest.raises(Died):
        tasks.delete(OPERATOR, task_id)

    run_queue()

    assert provider.requests == []


def test_task_asked_for_while_its_user_is_deleted(
    client, provider, work_off, monkeypatch
):
    """What comes after the deletion began is a new task, and is drawn."""
    create(client)
    made = []
    once(
        monkeypatch,
        deletion,
        "drop_generations_of",
        before=lambda: made.append(create(client)["task_id"]),
    )

    tasks.delete_all(OPERATOR, "user_123")
    work_off()

    assert result(client, made[0])["status"] == "completed"
    assert [request.prompt for request in provider.requests] == ["一只猫"]


def test_late_picture_of_a_task_that_goes_on(client, provider):
    """A name that comes late brings its picture, also before the task has ended."""

    def stall() -> Progress:
        come_due(state="submitting")
        work()  # another consumer gives the submission up as unknown
        return Progress("late-name")

    provider.submits = [stall, Progress("second")]
    provider.polls = [Progress("second")] * 3
    task_id = create(client, n=2)["task_id"]
    run_queue()
    assert result(client, task_id)["status"] == "processing"

    provider.polls = []
    come_due(state="generating")
    work()

    assert len(result(client, task_id)["result"]["images"]) == 2


def test_first_word_on_a_picture_stands(client, provider, monkeypatch):
    """Who goes on after a death does not say that nobody knows what was said."""
    provider.submits = [refusal("content_refused_prompt"), Progress("second")]
    once(monkeypatch, endings, "finish", before=die)
    task_id = create(client, n=2)["task_id"]
    with pytest.raises(Died):
        run_queue()

    come_due(state="submitting")
    work()

    (failure,) = Task.find_one({"_id": task_id}).failures.values()
    assert (failure["code"], failure["charged"]) == ("content_refused_prompt", "no")


def test_picture_that_two_drop_is_given_back_once(client):
    """Each has found it unwanted: the day counts one less, and not two."""
    create(client, n=2)
    unwanted = Generation.objects.first()

    endings.drop(unwanted)
    endings.drop(unwanted)

    assert QuotaUsage.objects.get().asked == 1


def test_picture_that_two_give_up_is_given_back_once(client):
    """What goes in is gone, and each has found that out."""
    create(client, n=2)
    lost = Generation.objects.first()

    endings.fail_unsent(lost, "input_unreachable", "its bytes are gone")
    endings.fail_unsent(lost, "input_unreachable", "its bytes are gone")

    assert QuotaUsage.objects.get().asked == 1


def test_name_is_stored_although_mongodb_was_away(client, provider, monkeypatch):
    """For a moment: it is the only way to what will be paid for."""

    def away() -> None:
        raise AutoReconnect("away")

    once(monkeypatch, submission, "store_acceptance", before=away)
    create(client)

    run_queue()

    assert Generation.objects.first().remote_ids == ["remote-1"]


def test_names_of_all_that_was_accepted_are_kept(client, provider, work_off):
    """Of a picture that is drawn anew, too: the provider is asked by them."""
    provider.polls = [refusal("content_refused_picture", new_seed=True)]
    create(client)

    work_off()

    assert Generation.objects.first().remote_ids == ["remote-1", "remote-2"]


def test_kept_bytes_of_an_answer_are_not_lost(
    client, provider, synchronous, monkeypatch
):
    """A death after the picture was kept: it is there, and nobody need ask for it."""
    provider.submits = [DONE]
    once(monkeypatch, endings, "complete", before=die)
    task_id = create(client)["task_id"]
    with pytest.raises(Died):
        run_queue()

    come_due()
    work()

    data = result(client, task_id)
    assert data["status"] == "completed"
    assert client.get(data["result"]["image_url"]).status_code == 200


def test_kept_picture_outlives_its_result(client, provider, monkeypatch):
    """The same, where the provider could be asked but has forgotten."""
    once(monkeypatch, endings, "complete", before=die)
    task_id = create(client)["task_id"]
    run_queue()
    come_due()
    with pytest.raises(Died):
        work()
    provider.polls = [refusal("picture_lost", charged="yes")]

    come_due()
    work()

    assert result(client, task_id)["status"] == "completed"


def test_dropped_picture_waits_no_longer(client, provider, monkeypatch):
    """A cancellation that was cut off does not count against the user for ever."""
    answer = client.post(
        "/api/v1/ai/tasks",
        json={"type": "image", "prompt": "猫", "user_id": "ada", "delay": 600},
    )
    monkeypatch.setattr(cancellation, "drop_waiting", lambda task: die())
    with pytest.raises(Died):
        tasks.cancel(OPERATOR, answer.json["data"]["task_id"])

    come_due()
    work()

    (generation,) = Generation.objects
    assert (generation.state, generation.waiting) == ("dropped", None)


def test_progress_of_a_long_call_that_is_refused(
    client, provider, synchronous, monkeypatch
):
    """A picture that waits again shows no less than it did before."""
    clock, seen = Clock(monkeypatch), []

    def refuse() -> Exception:
        clock.advance(5)
        seen.append(result(client, task_id)["progress"])
        return refusal("rate_limited", transient=True)

    provider.submits = [refuse]
    task_id = create(client)["task_id"]
    run_queue()

    assert seen[0] > 0
    assert result(client, task_id)["progress"] >= seen[0]


def test_words_of_a_task_deleted_while_it_is_made(
    client, provider, work_off, monkeypatch
):
    """A request that writes behind the deletion leaves nothing of the user's."""
    once(
        monkeypatch,
        jobs,
        "insert_and_dispatch",
        before=lambda: tasks.delete_all(OPERATOR, "user_123"),
    )
    create(client)

    work_off()

    assert provider.requests == []
    (generation,) = Generation.objects
    assert (generation.state, generation.prompt) == ("dropped", None)


@pytest.mark.parametrize(
    "place", ["before pictures.files insert", "before pictures.chunks remove"]
)
def test_bytes_without_a_file_are_swept(monkeypatch, place, database):
    """A death in the middle of a file leaves no bytes that nobody finds."""
    store = jobs.runtime().store
    kept = store.save(png(), "kept")
    boundaries = Boundaries()
    wrap_writes(boundaries, monkeypatch)
    with pytest.raises(Died), boundaries.process({(place, 1): boundaries.die}):
        store.delete(kept)
        store.save(png(), "cut-off")

    monkeypatch.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
    janitor.sweep_files()

    assert mongoengine.get_db()["pictures.chunks"].count_documents({}) == 0
