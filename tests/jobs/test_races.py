"""Two things in the moment of one another: the small cases behind the machine's."""

from collections.abc import Callable
from datetime import timedelta

import mongoengine
import pytest
from pymongo.errors import AutoReconnect

from jimeng import jobs, tasks
from jimeng.documents import Generation, QuotaUsage, Task
from jimeng.documents.principal import Principal
from jimeng.jobs import endings, janitor, submission
from jimeng.providers import Progress
from jimeng.tasks import cancellation, deletion
from tests.conftest import come_due, png, run_queue
from tests.jobs.test_synchronous import DONE, synchronous
from tests.jobs.test_time import create_delayed
from tests.machine.boundary import Boundaries, Clock, Died, wrap_writes
from tests.test_core import begin, create, refusal, result
from tests.test_guards import beyond_its_lease, work, work_due

__all__ = ["synchronous"]

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
    once(submission, "mark_submitting", lambda: tasks.delete(OPERATOR, task_id))

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
    """A name that comes late brings its picture, also before the task has ended."""
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

    once(submission, "store_acceptance", away)
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


def test_kept_picture_outlives_its_result(client, provider, once):
    """The same, where the provider could be asked but has forgotten."""
    once(endings, "complete", die)
    task_id = begin(client)
    come_due()
    with pytest.raises(Died):
        work()
    provider.polls = [refusal("picture_lost", charged="yes")]

    work_due()

    assert result(client, task_id)["status"] == "completed"


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
