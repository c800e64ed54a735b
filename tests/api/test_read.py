"""Looking at tasks: one, its result, and lists of them."""

import re

import pytest
from flask import url_for

from jimeng import tasks
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError, TaskNotFound
from jimeng.http.responses import path_for
from jimeng.providers import Progress
from tests.commands import counted
from tests.conftest import run_queue
from tests.each import for_each
from tests.forgetting import forget_lanes
from tests.rest import (
    API,
    CAT,
    CREATE,
    client_with,
    create,
    data_of,
    errors_of,
    refused,
    result,
    task,
)

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_waiting_task_says_how_long(client):
    """Phase, place, time and progress while it is pending, and when to ask again."""
    create(client)
    second = create(client, user_id="somebody.else")
    forget_lanes()  # the line is read once a second

    answer = client.get(f"{API}/ai/image/result/{second}")

    data = data_of(answer)
    assert (data["status"], data["phase"]) == ("pending", "queued")
    assert (data["position"], data["progress"]) == (1, 0)
    assert data["eta_seconds"] >= 0
    assert data["message"] == "任务排队中，请稍后查询"
    assert answer.headers["Retry-After"] == "3"


def test_running_task_has_no_place_any_more(client):
    """Once it is with the provider it is processing, and says so."""
    task_id = create(client)
    run_queue()

    data = result(client, task_id)

    assert (data["status"], data["phase"]) == ("processing", "generating")
    assert "position" not in data
    assert data["message"] == "任务处理中，请稍后查询"


def test_completed_task_shows_its_pictures(client, work_off):
    """The result has links, sizes and seeds, and nothing of the waiting."""
    task_id = create(client, n=2, seed=5)
    work_off()

    answer = client.get(f"{API}/ai/image/result/{task_id}")

    data = data_of(answer)
    first, second = data["result"]["images"]
    assert data["result"]["image_urls"] == [first["url"], second["url"]]
    assert data["image_url"] == data["result"]["image_url"] == first["url"]
    assert (first["width"], first["height"], first["seed"]) == (64, 64, 5)
    assert first["content_type"] == "image/png"
    assert first["bytes"] == len(client.get(first["url"]).data)
    assert first["thumbnail_url"].startswith("http://localhost/")
    assert data["result"]["failed"] == []
    assert "Retry-After" not in answer.headers
    assert not {"phase", "position", "eta_seconds"} & set(data)


def test_times_are_utc_and_every_step_has_one(client, work_off):
    """All times of the record end in Z, in the order in which they came."""
    task_id = create(client)
    work_off()

    record = task(client, task_id)

    steps = ["created_at", "started_at", "submitted_at", "completed_at"]
    moments = [record[step] for step in steps]
    assert all(MOMENT.fullmatch(moment) for moment in moments)
    assert moments == sorted(moments)
    assert MOMENT.fullmatch(record["updated_at"])


def test_record_holds_everything(client, work_off):
    """Input, provider, model, names, attempts and outcome stand in one answer."""
    given = {"size": "16:9", "style": "水彩", "seed": 3, "quality": "hd"}
    task_id = create(client, **given)
    work_off()

    record = task(client, task_id)

    assert record["input"] == {"prompt": "一只猫", "user_id": "user_123", **given}
    assert record["provider"] == "volcengine_jimeng"
    assert record["provider_task_ids"] == ["remote-1"]
    assert (record["attempts"], record["progress"]) == (1, 100)
    assert record["result"]["images"]
    assert record["error"] is None


def test_failed_task_tells_why_in_the_asked_language(client, provider, work_off):
    """The words follow the reader, the code does not."""
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    task_id = create(client)
    work_off()
    path = f"{API}/tasks/{task_id}"

    chinese = data_of(client.get(path))
    english = data_of(client.get(path, headers={"Accept-Language": "en"}))

    assert chinese["error"]["code"] == english["error"]["code"]
    assert "提示词" in chinese["message"]
    assert english["message"] == english["error"]["message"]
    assert english["message"].isascii()
    assert english["error"]["retryable"] is False


def test_unchanged_result_is_not_sent_again(client, work_off):
    """The tag of a finished task is answered with 304, also in its weak form."""
    task_id = create(client)
    work_off()
    url = f"{API}/ai/image/result/{task_id}"
    tag = client.get(url).headers["ETag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = client.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Accept-Language" in answer.vary
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_finished_result_is_made_once_for_a_while(client, work_off, monkeypatch):
    """Byte for byte the same, for as long as the task is there for who asks."""
    task_id = create(client)
    work_off()
    url = f"{API}/ai/image/result/{task_id}"
    first = client.get(url)

    with monkeypatch.context() as patched:
        patched.delattr("jimeng.tasks.queries._images")  # nobody needs it
        again = client.get(url)
    client.delete(f"{API}/ai/image/task/{task_id}")

    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert again.content_type == first.content_type == "application/json"
    refused(client.get(url), 404, "task_not_found")


def test_polling_of_a_waiting_task_is_cheap_too(client):
    """As long as nothing has changed the answer is 304 and when to come back."""
    url = f"{API}/ai/image/result/{create(client)}"
    tag = client.get(url).headers["ETag"]

    answer = client.get(url, headers={"If-None-Match": tag})

    assert answer.status_code == 304
    assert answer.headers["Retry-After"] == "3"


def test_changed_result_has_another_tag(client, work_off):
    """Progress and another language are both worth an answer."""
    url = f"{API}/ai/image/result/{create(client)}"
    waiting = client.get(url).headers["ETag"]
    run_queue()
    running = client.get(url, headers={"If-None-Match": waiting})
    work_off()
    done = client.get(url, headers={"If-None-Match": running.headers["ETag"]})
    known = {"If-None-Match": done.headers["ETag"], "Accept-Language": "en"}
    english = client.get(url, headers=known)

    assert [running.status_code, done.status_code] == [200, 200]
    assert data_of(english)["message"] == "The pictures are ready"


def test_links_follow_the_public_address_in_the_tag(client, config, registry, work_off):
    """A result that was fetched under another address is not the same."""
    url = f"{API}/ai/image/result/{create(client)}"
    work_off()
    known = {"If-None-Match": client.get(url).headers["ETag"]}

    with client_with(config, registry, PUBLIC_URL="https://a.example") as other:
        answer = other.get(url, headers=known, base_url="https://a.example")

    assert data_of(answer)["image_url"].startswith("https://a.example/i/")


def test_retry_names_the_first_task(client):
    """The answer to a retry is whole, and says what it repeats."""
    task_id = create(client)
    retry = f"{API}/tasks/{task_id}/retry"
    refused(client.post(retry), 409, "task_not_retryable")
    data_of(client.post(f"{API}/tasks/{task_id}/cancel"))

    answer = client.post(retry, json={})

    data = data_of(answer, 202)
    assert data["retried_from"] == task_id
    assert answer.headers["Location"].endswith(data["task_id"])
    assert answer.headers["Retry-After"] == "3"


@for_each("value", ["true", 1, None, [], {"$ne": False}])
def test_consent_to_a_second_charge_is_true_or_false(client, value):
    """Nothing that merely looks like a yes is one."""
    url = f"{API}/tasks/{create(client)}/retry"

    errors = errors_of(client.post(url, json={"accept_double_charge": value}))

    assert list(errors) == ["accept_double_charge"]


@for_each("root", ["", "/images {1}"])
@for_each(
    ("endpoint", "values"),
    [
        ("api.get_task", {"task_id": "volcengine_img_01"}),
        ("web.image", {"key": "a_b-c", "ext": "jpg"}),
        ("web.thumbnail", {"key": "ä ?"}),
    ],
)
def test_remembered_path_is_the_one_that_is_built(app, root, endpoint, values):
    """Under whatever path a proxy has put the server, the second time too."""
    for _ in range(2):
        with app.test_request_context(environ_overrides={"SCRIPT_NAME": root}):
            assert path_for(endpoint, **values) == url_for(endpoint, **values)


def test_task_that_is_looked_after_is_one_read(client, config, provider):
    """The first look finds it open; from then on task and pictures come together."""
    task_id = create(client, n=2)
    first = result(client, task_id)

    with counted(config) as commands:
        result(client, create(client))  # over the new connection
        commands.clear()
        again = result(client, task_id)

    asked = [tuple(each.items())[0] for each in commands if each]
    assert [each for each in asked if each[1] in {"tasks", "generations"}] == [
        ("aggregate", "tasks")
    ]
    assert again == first


def test_what_is_remembered_of_a_task_shows_it_to_nobody_else(client):
    """It is absent for others, however often its owner has looked."""
    task_id = create(client)
    for _ in range(2):
        found, view = tasks.find_with_view(Principal(CAT["user_id"]), task_id)
        assert (found.id, view.phase) == (task_id, "queued")

    with pytest.raises(TaskNotFound):
        tasks.find_with_view(Principal("somebody.else"), task_id)


def test_looks_follow_the_task(client, provider, work_off):
    """Drawn, done, deleted: what was remembered of it hides nothing."""
    provider.polls = [Progress("remote-1")]
    task_id = create(client, n=2)
    assert result(client, task_id)["status"] == "pending"
    run_queue()
    drawn = result(client, task_id)
    assert (drawn["status"], drawn["phase"]) == ("processing", "generating")
    assert drawn == result(client, task_id) | {"progress": drawn["progress"]}
    work_off()
    assert len(result(client, task_id)["result"]["images"]) == 2
    other = create(client)
    assert result(client, other)["status"] == "pending"
    data_of(client.delete(f"{CREATE}/{other}"))

    refused(client.get(f"{API}/ai/image/result/{other}"), 404, "task_not_found")
