"""
Two things in the moment of one another: the small cases behind the machine's. A model
that answers with its picture, and keeping one: nothing is lost, or left behind.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import mongoengine
import pytest
from pymongo.errors import AutoReconnect

from jimeng import jobs, tasks
from jimeng.documents import Generation, QuotaUsage, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.jobs import endings, picture, queue
from jimeng.pictures import decoder
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.process.runtime import try_acquire
from jimeng.providers import Progress
from jimeng.tasks import cancellation, deletion
from jimeng.upkeep import janitor
from tests.conftest import come_due, png, run_queue
from tests.jobs.test_time import create_delayed
from tests.machine.boundary import Boundaries, Clock, Died, wrap_writes
from tests.test_core import begin, create, refusal, result
from tests.test_guards import beyond_its_lease, change, generation, work, work_due

OPERATOR = Principal("operator", is_operator=True)


@pytest.fixture
def once(monkeypatch) -> Callable[..., None]:
    """Let something happen before the next call of *owner*'s *name*, and only there."""

    def at(owner: object, name: str, act: Callable[[], object]) -> None:
        original = getattr(owner, name)

        def wrapped(*args, **kwargs):
            monkeypatch.setattr(owner, name, original)
            act()
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapped)

    return at


def die() -> None:
    raise Died


def test_task_deleted_between_claim_and_sending(client, provider, work_off, once):
    """Its words are gone by then, and nothing is asked for without words."""
    task_id = create(client)["task_id"]
    once(picture, "mark_submitting", lambda: tasks.delete(OPERATOR, task_id))

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


def test_task_asked_for_while_its_user_is_deleted(client, provider, work_off, once):
    """What comes after the deletion began is a new task, and is drawn."""
    create(client)
    made = []
    once(
        deletion, "drop_generations_of", lambda: made.append(create(client)["task_id"])
    )

    tasks.delete_all(OPERATOR, "user_123")
    work_off()

    assert result(client, made[0])["status"] == "completed"
    assert [request.prompt for request in provider.requests] == ["一只猫"]


def test_late_picture_of_a_task_that_goes_on(client, provider):
    provider.submits = [beyond_its_lease(Progress("late")), Progress("second")]
    provider.polls = [Progress("second")] * 3
    task_id = begin(client, n=2)
    assert result(client, task_id)["status"] == "processing"

    provider.polls = []
    work_due(state="generating")

    assert len(result(client, task_id)["result"]["images"]) == 2


def test_first_word_on_a_picture_stands(client, provider, once):
    """Who goes on after a death does not say that nobody knows what was said."""
    provider.submits = [refusal("content_refused_prompt"), Progress("second")]
    once(endings, "finish", die)
    task_id = create(client, n=2)["task_id"]
    with pytest.raises(Died):
        run_queue()

    work_due(state="submitting")

    (failure,) = Task.find_one({"_id": task_id}).failures.values()
    assert (failure["code"], failure["charged"]) == ("content_refused_prompt", "no")


def test_picture_that_two_give_up_is_given_back_once(client):
    """Each has found it unwanted, or what goes in gone: the day counts one less."""
    create(client, n=3)
    unwanted, lost, _ = Generation.objects
    for _ in range(2):
        endings.drop(unwanted)
    assert QuotaUsage.objects.get().asked == 2

    for _ in range(2):
        endings.fail_unsent(lost, "input_unreachable", "its bytes are gone")

    assert QuotaUsage.objects.get().asked == 1


def test_name_is_stored_although_mongodb_was_away(client, provider, once):
    """For a moment: it is the only way to what will be paid for."""

    def away() -> None:
        raise AutoReconnect("away")

    once(picture, "store_acceptance", away)
    create(client)

    run_queue()

    assert Generation.objects.first().remote_ids == ["remote-1"]


def test_kept_bytes_of_an_answer_are_not_lost(client, provider, synchronous, once):
    """A death after the picture was kept: it is there, and nobody need ask for it."""
    provider.submits = [DONE]
    once(endings, "complete", die)
    task_id = create(client)["task_id"]
    with pytest.raises(Died):
        run_queue()

    work_due()

    data = result(client, task_id)
    assert data["status"] == "completed"
    assert client.get(data["result"]["image_url"]).status_code == 200


def test_dropped_picture_waits_no_longer(client, provider, monkeypatch):
    """A cancellation that was cut off does not count against the user for ever."""
    task_id = create_delayed(client)
    monkeypatch.setattr(cancellation, "drop_waiting", lambda task: die())
    with pytest.raises(Died):
        tasks.cancel(OPERATOR, task_id)

    work_due()

    (generation,) = Generation.objects
    assert (generation.state, generation.waiting) == ("dropped", None)


def test_progress_of_a_refused_call(client, provider, synchronous, monkeypatch):
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


def test_words_of_a_task_deleted_while_it_is_made(client, provider, work_off, once):
    """A request that writes behind the deletion leaves nothing of the user's."""
    once(jobs, "insert_and_dispatch", lambda: tasks.delete_all(OPERATOR, "user_123"))
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


DONE = Progress("", done=True, images=(png(),))


@pytest.fixture
def synchronous(app, registry, monkeypatch, lane):
    """The model of the tests, as one that answers with the picture."""
    model = replace(registry.model(None), is_synchronous=True, answer_within=60.0)
    monkeypatch.setattr(registry, "by_lane", lambda lane: model)
    return model


def test_links_are_written_first(client, provider, synchronous, monkeypatch):
    """A death after the answer costs a second download, not a second picture."""
    provider.submits = [Progress("", done=True, urls=("http://127.0.0.1:9/x",))]
    # It dies right there.
    monkeypatch.setattr(picture, "store_output", lambda *args: None)
    task_id = begin(client)
    assert result(client, task_id)["phase"] == "saving"

    assert generation().urls == ["http://127.0.0.1:9/x"]
    assert generation().slot is None


def test_lost_bytes_are_charged(client, provider, synchronous, monkeypatch):
    """But nobody takes over while a decoder looks at the only copy."""
    provider.submits = [DONE]
    monkeypatch.setattr(picture, "store_output", lambda *args: None)
    task_id = begin(client)
    left = (generation().due_at - utcnow()).total_seconds()
    assert left > decoder.QUEUE_TIMEOUT_S

    work_due()

    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(provider.requests) == 1


def test_answer_is_the_picture(client, provider, synchronous):
    """
    One call, no poll, and the slot is free. Nobody gives up a call that may be
    answered; it counts as the drawing.
    """
    seen = []

    def look() -> Progress:
        left = (generation().due_at - generation().sent_at).total_seconds()
        seen.append((result(client, task_id)["phase"], left))
        return DONE

    provider.submits = [look]
    task_id = create(client)["task_id"]
    run_queue()

    ((phase, left),) = seen
    assert phase == "generating"
    assert left > synchronous.answer_within
    assert result(client, task_id)["status"] == "completed"
    assert (provider.polled, generation().remote_ids) == ([], [])
    assert (generation().slot, generation().charged) == (None, "yes")


def test_some_workers_stay_free(client, provider, synchronous, monkeypatch):
    """With all places of a process taken the picture waits, and loses nothing."""
    provider.submits = [DONE]
    task_id = create(client)["task_id"]
    every = range(picture.MAX_SYNCHRONOUS_CALLS)
    places = [try_acquire(picture._synchronous) for _ in every]
    assert all(place.__enter__() for place in places)

    run_queue()
    assert result(client, task_id)["status"] == "pending"
    for place in places:
        place.__exit__(None, None, None)

    queue.dispatch.call_local(synchronous.lane)
    assert result(client, task_id)["status"] == "completed"


LINK = "http://127.0.0.1/picture.png"


def test_download_beyond_its_lease_is_dropped(client, provider, monkeypatch):
    """Whoever has taken over keeps the picture; nothing is kept beside it."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    kept = []

    def slow(*args: object, **kwargs: object) -> bytes:
        change(owner="another consumer")
        later = utcnow() + picture.SAVING_LEASE
        monkeypatch.setattr(picture, "utcnow", lambda: later)
        return png()

    monkeypatch.setattr(picture, "fetch_picture", slow)
    monkeypatch.setattr(GridFSStore, "put", lambda *args: kept.append(args))
    begin(client)
    come_due()

    work()

    assert kept == []
    assert (generation().state, generation().owner) == ("saving", "another consumer")


def test_claim_that_is_lost_leaves_one_picture(client, provider, database, monkeypatch):
    """Whoever has it finds what was kept; the slot is free from the answer on."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    seen = []

    def overtaken(*args: object, **kwargs: object) -> bytes:
        seen.append((generation().state, generation().slot))
        change(owner="another consumer")
        return png()

    monkeypatch.setattr(picture, "fetch_picture", overtaken)
    task_id = begin(client)
    work_due()
    assert (generation().state, generation().owner) == ("saving", "another consumer")
    come_due()

    work()

    assert seen == [("saving", None)]
    assert generation().state == "done"
    assert len(result(client, task_id)["result"]["images"]) == 1
    assert database["images"].count_documents({}) == 1
    assert database["pictures.files"].count_documents({}) == 2


def test_second_attempt_at_keeping_leaves_nothing_behind(client, provider, database):
    """The first one's picture stands, and the bytes of the second are deleted."""
    begin(client)
    work_due()
    before = database["pictures.files"].count_documents({})

    change(state="saving", owner="again")
    task = picture.find_wanted_task(generation())
    picture.store_picture(generation(), task, png(colour="red"))

    assert database["pictures.files"].count_documents({}) == before == 2


def test_picture_of_a_cancelled_task_is_not_downloaded(client, provider, monkeypatch):
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    asked = []
    monkeypatch.setattr(picture, "fetch_picture", lambda *args, **_: asked.append(args))
    task_id = begin(client)
    client.post(f"/api/v1/tasks/{task_id}/cancel")
    come_due()

    work()

    assert asked == []
    assert generation().state == "done"


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_unwanted_picture_leaves_nothing(client, provider, database, monkeypatch, act):
    """It was cancelled or deleted while the picture was under way."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    task_id = create(client)["task_id"]

    def meanwhile(*args: object, **kwargs: object) -> bytes:
        if act == "delete":
            done = client.delete(f"/api/v1/ai/image/task/{task_id}")
        else:
            done = client.post(f"/api/v1/tasks/{task_id}/cancel")
        assert done.status_code == 200, done.json
        return png()

    monkeypatch.setattr(picture, "fetch_picture", meanwhile)
    run_queue()
    come_due()

    work()

    assert generation().state == "done"
    assert database["images"].count_documents({}) == 0
    assert database["pictures.files"].count_documents({}) == 0
