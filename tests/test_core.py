"""A prompt goes in, a picture comes out: the life of a task, through the front door."""

import mongoengine
import pytest

from jimeng.documents import Generation, Image, Task
from jimeng.errors import ProviderError
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue

CREATE = "/api/v1/ai/image/task"
CAT = {"prompt": "一只猫", "user_id": "user_123"}


def create(client, **fields) -> dict:
    answer = client.post(CREATE, json={**CAT, **fields})
    assert answer.status_code == 202, answer.json
    return answer.json["data"]


def result(client, task_id: str) -> dict:
    answer = client.get(f"/api/v1/ai/image/result/{task_id}")
    assert answer.status_code == 200
    return answer.json["data"]


def refusal(code: str = "content_refused_prompt", **values) -> ProviderError:
    return ProviderError("refused", code=code, **values)


def test_picture_from_prompt_to_bytes(client, provider, work_off):
    """A request answers at once; when the work is done, the picture is served."""
    task_id = create(client)["task_id"]
    assert result(client, task_id)["status"] == "pending"

    work_off()

    data = result(client, task_id)
    assert data["status"] == "completed"
    picture = client.get(data["result"]["image_url"])
    assert picture.data.startswith(b"\x89PNG")
    assert provider.requests[0].prompt == "一只猫"


def test_several_pictures_are_several_submissions(client, provider, work_off):
    """Each of n pictures is asked for by itself, with a seed of its own."""
    task_id = create(client, n=4, seed=7)["task_id"]

    work_off()

    data = result(client, task_id)
    assert [image["seed"] for image in data["result"]["images"]] == [7, 8, 9, 10]
    assert len(set(data["result"]["image_urls"])) == 4
    assert sorted(request.seed for request in provider.requests) == [7, 8, 9, 10]


def test_one_picture_of_two_is_enough(client, provider, work_off):
    """A task with a picture is completed, and says which ones did not come."""
    provider.submits = [refusal(), Progress("second")]

    task_id = create(client, n=2)["task_id"]
    work_off()

    data = result(client, task_id)
    assert data["status"] == "completed"
    assert len(data["result"]["images"]) == 1
    (error,) = data["result"]["failed"]
    assert error["code"] == "content_refused_prompt"


def test_refusal_says_what_to_do(client, provider, work_off):
    """A failed task answers 200 with words, our code, and the provider's."""
    provider.submits = [refusal(provider_code="50412", request_id="req-1")]

    task_id = create(client)["task_id"]
    work_off()

    data = result(client, task_id)
    assert data["status"] == "failed"
    assert data["error"]["provider_code"] == "50412"
    assert data["error"]["provider_request_id"] == "req-1"
    assert data["error"]["charged"] == "no"
    assert data["message"] == data["error"]["message"]
    assert "提示词" in data["message"]


def test_lost_answer_is_never_sent_again(client, provider, work_off):
    """What may have been accepted fails as unknown, and is submitted once."""
    provider.submits = [
        refusal("submit_unknown", maybe_accepted=True, charged="unknown")
    ]

    task_id = create(client)["task_id"]
    work_off()

    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("submit_unknown", "unknown")
    assert len(provider.requests) == 1


def test_unknown_submission_holds_its_slot_for_a_while(client, provider, work_off):
    """The provider may be drawing it: the slot is free only when that is over."""
    provider.submits = [
        refusal("submit_unknown", maybe_accepted=True, charged="unknown")
    ]
    create(client)
    work_off()
    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 1

    come_due(state="unknown")
    work_off()

    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 0


@pytest.mark.parametrize("code", ["concurrency_limited", "rate_limited"])
def test_busy_provider_is_no_failure(client, provider, work_off, code):
    """A refusal for want of a place is waited out, however often it comes."""
    provider.submits = [refusal(code, transient=True) for _ in range(5)]

    task_id = create(client)["task_id"]
    work_off()

    assert result(client, task_id)["status"] == "completed"
    assert len(provider.requests) == 6


def test_refused_picture_is_drawn_once_more(client, provider, work_off):
    """A picture that the provider took back is asked for again, with a new seed."""
    provider.polls = [refusal("content_refused_picture", new_seed=True)]

    task_id = create(client)["task_id"]
    work_off()

    assert result(client, task_id)["status"] == "completed"
    first, second = provider.requests
    assert first.seed != second.seed


def test_chosen_seed_is_not_replaced(client, provider, work_off):
    """Whoever chose the seed gets the refusal, not another picture."""
    provider.polls = [refusal("content_refused_picture", new_seed=True)]

    task_id = create(client, seed=5)["task_id"]
    work_off()

    assert result(client, task_id)["status"] == "failed"
    assert len(provider.requests) == 1


def test_failed_poll_is_not_a_failed_task(client, provider, work_off):
    """Losing looks at the provider loses nothing."""
    provider.polls = [refusal("provider_internal", transient=True) for _ in range(3)]

    task_id = create(client)["task_id"]
    work_off()

    assert result(client, task_id)["status"] == "completed"


def test_cancelled_task_is_never_sent(client, provider, work_off):
    """Cancelling wins as long as nothing was sent; a second time is a 409."""
    task_id = create(client)["task_id"]
    url = f"/api/v1/tasks/{task_id}/cancel"

    assert client.post(url).json["data"]["status"] == "cancelled"
    assert client.post(url).status_code == 409
    work_off()

    assert provider.requests == []
    assert result(client, task_id)["status"] == "cancelled"


def test_running_picture_of_cancelled_task_is_dropped(client, provider, work_off):
    """The provider finishes and is paid once; nobody is shown the picture."""
    task_id = create(client)["task_id"]
    run_queue()
    client.post(f"/api/v1/tasks/{task_id}/cancel")

    work_off()

    assert result(client, task_id)["status"] == "cancelled"
    assert Image.collection().count_documents({}) == 0
    (generation,) = Generation.objects
    assert (generation.state, generation.charged) == ("done", "yes")
    assert generation.slot is None


def test_deleted_task_is_gone_with_its_pictures(client, work_off):
    """After a delete there is no task, no link, and no bytes."""
    task_id = create(client)["task_id"]
    work_off()
    url = result(client, task_id)["result"]["image_url"]

    assert client.delete(f"/api/v1/ai/image/task/{task_id}").status_code == 200

    assert client.get(f"/api/v1/ai/image/result/{task_id}").status_code == 404
    assert client.get(url).status_code == 404
    assert mongoengine.get_db()["pictures.files"].count_documents({}) == 0
    assert Task.collection().count_documents({}) == 0


def test_retry_repeats_the_missing_pictures(client, provider, work_off):
    """A failed task runs again as a new one that names the first."""
    provider.submits = [refusal(), refusal()]
    task_id = create(client, n=2)["task_id"]
    work_off()

    answer = client.post(f"/api/v1/tasks/{task_id}/retry")
    work_off()

    assert answer.status_code == 202
    again = client.get(f"/api/v1/tasks/{answer.json['data']['task_id']}").json["data"]
    assert again["retried_from"] == task_id
    assert again["status"] == "completed"
    assert len(again["result"]["images"]) == 2


@pytest.mark.parametrize(
    "failure",
    [
        refusal("submit_unknown", maybe_accepted=True, charged="unknown"),
        refusal("picture_lost", charged="yes"),
    ],
    ids=["unknown", "yes"],
)
def test_retry_after_a_charge_needs_consent(client, provider, work_off, failure):
    """What was, or may have been, paid for is paid twice only where somebody agrees."""
    provider.submits = [failure]
    task_id = create(client)["task_id"]
    work_off()
    url = f"/api/v1/tasks/{task_id}/retry"

    refused = client.post(url)
    assert refused.status_code == 409
    assert refused.json["error"] == "may_be_charged_twice"
    assert client.post(url, json={"accept_double_charge": True}).status_code == 202
