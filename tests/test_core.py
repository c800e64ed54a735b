"""A prompt goes in, a picture comes out: the life of a task, through the front door."""

from datetime import timedelta

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.errors import ProviderError
from jimeng.providers import Progress
from tests.conftest import run_queue
from tests.rest import CAT, CREATE, data_of, result


def create(client, **fields) -> dict:
    return data_of(client.post(CREATE, json={**CAT, **fields}), 202)


def begin(client, **fields) -> str:
    """A task that is sent, as far as there are slots; its id."""
    task_id = create(client, **fields)["task_id"]
    run_queue()
    return task_id


def refusal(code: str = "content_refused_prompt", **values) -> ProviderError:
    return ProviderError("refused", code=code, **values)


def test_picture_from_prompt_to_bytes(client, provider, work_off):
    """A request answers at once; looks at the provider that fail lose nothing."""
    provider.polls = [refusal("provider_internal", transient=True) for _ in range(3)]
    task_id = create(client)["task_id"]
    assert result(client, task_id)["status"] == "pending"

    work_off()

    data = result(client, task_id)
    assert data["status"] == "completed"
    picture = client.get(data["result"]["image_url"])
    assert picture.data.startswith(b"\x89PNG")
    assert [request.prompt for request in provider.requests] == ["一只猫"]


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


@pytest.mark.parametrize("code", ["concurrency_limited", "rate_limited"])
def test_busy_provider_is_no_failure(client, provider, work_off, code):
    """A refusal for want of a place is waited out, however often and long it comes."""
    provider.submits = [refusal(code, transient=True) for _ in range(5)]
    task_id = begin(client)
    assert result(client, task_id)["status"] == "processing"
    long_ago = utcnow() - timedelta(hours=1)
    Generation.collection().update_many({}, {"$set": {"first_sent_at": long_ago}})

    work_off()

    assert result(client, task_id)["status"] == "completed"
    assert len(provider.requests) == 6


@pytest.mark.parametrize(("times", "status"), [(2, "completed"), (3, "failed")])
def test_broken_check_of_the_content_is_tried_three_times(
    client, provider, work_off, times, status
):
    """Nothing was made, so it is free; other waits do not count, and do not end it."""
    busy = refusal("rate_limited", transient=True)
    broken = refusal("moderation_unavailable", transient=True)
    provider.submits = [busy, *[broken, busy] * times]
    task_id = begin(client)
    long_ago = utcnow() - timedelta(hours=1)
    Generation.collection().update_many({}, {"$set": {"first_sent_at": long_ago}})

    work_off()

    data = result(client, task_id)
    assert data["status"] == status
    if status == "failed":
        error = data["error"]
        assert (error["code"], error["charged"]) == (broken.code, "no")
        assert len(provider.requests) == 2 * times
    else:
        assert len(provider.requests) == 2 * times + 2


@pytest.mark.parametrize(
    ("times", "seed", "status", "remote_ids"),
    [
        (1, -1, "completed", ["remote-1", "remote-2"]),
        (2, -1, "failed", ["remote-1", "remote-2"]),
        (1, 5, "failed", ["remote-1"]),
    ],
    ids=["once", "twice", "chosen"],
)
def test_refused_picture_is_drawn_once_more(
    client, provider, work_off, times, seed, status, remote_ids
):
    """With a new seed, unless it was chosen; the provider is asked by both names."""
    code = "content_refused_picture"
    provider.polls = [refusal(code, new_seed=True) for _ in range(times)]

    task_id = create(client, seed=seed)["task_id"]
    work_off()

    data = result(client, task_id)
    assert (data["status"], data.get("error", {}).get("code", code)) == (status, code)
    assert Generation.objects.get().remote_ids == remote_ids
    seeds = [request.seed for request in provider.requests]
    assert len(seeds) == len({*seeds}) == len(remote_ids)


def test_cancelled_task_is_never_sent(client, provider, work_off):
    """Cancelling wins as long as nothing was sent; a second time is a 409."""
    task_id = create(client)["task_id"]
    url = f"/api/v1/tasks/{task_id}/cancel"

    assert client.post(url).json["data"]["status"] == "cancelled"
    assert client.post(url).status_code == 409
    work_off()

    assert provider.requests == []
    assert result(client, task_id)["status"] == "cancelled"


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
