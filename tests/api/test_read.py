"""Looking at tasks: one, its result, and lists of them, by cursor or by offset."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import url_for
from marshmallow import Schema

from jimeng import tasks
from jimeng.documents import Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError, TaskNotFound
from jimeng.http.responses import path_for
from jimeng.operations import queue
from jimeng.schemas import model_responses, responses
from jimeng.schemas.fields import Reply
from jimeng.schemas.tasks import Created, TaskRecord, TaskResult
from jimeng.tasks import styles
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
    """Once it is with the provider it has no place any more."""
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
    run_queue()
    data = result(client, second)
    assert (data["status"], data["phase"]) == ("processing", "generating")
    assert "position" not in data
    assert data["message"] == "任务处理中，请稍后查询"


def test_completed_task_shows_its_pictures(client, provider, work_off):
    """Nothing of the waiting; the record has the time of each step, in UTC."""
    given = {"size": "16:9", "style": "水彩", "seed": 0, "quality": "hd", "n": 2}
    task_id = create(client, **given)
    work_off()
    sent = provider.requests[0]
    assert (sent.width, sent.height, sent.seed) == (2048, 1152, 0)

    answer = client.get(f"{API}/ai/image/result/{task_id}")

    data = data_of(answer)
    first, second = data["result"]["images"]
    assert data["result"]["image_urls"] == [first["url"], second["url"]]
    assert data["image_url"] == data["result"]["image_url"] == first["url"]
    assert (first["width"], first["height"], first["seed"]) == (64, 64, 0)
    assert first["content_type"] == "image/png"
    assert first["bytes"] == len(client.get(first["url"]).data)
    assert first["thumbnail_url"].startswith("http://localhost/")
    assert data["result"]["failed"] == []
    assert "Retry-After" not in answer.headers
    assert not {"phase", "position", "eta_seconds"} & set(data)
    record = task(client, task_id)
    assert record["input"] == {"prompt": "一只猫", "user_id": "user_123", **given}
    assert record["provider"] == "volcengine_jimeng"
    assert record["provider_task_ids"] == ["remote-1", "remote-2"]
    assert (record["attempts"], record["progress"]) == (2, 100)
    urls = [each["url"] for each in record["result"]["images"]]
    assert urls == data["result"]["image_urls"]
    assert record["error"] is None
    steps = ["created_at", "started_at", "submitted_at", "completed_at"]
    moments = [record[step] for step in steps]
    assert all(MOMENT.fullmatch(moment) for moment in [*moments, record["updated_at"]])
    assert moments == sorted(moments)


def test_failed_task_tells_why_in_the_asked_language(client, provider, work_off):
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    path = f"{API}/tasks/{create(client)}"
    work_off()

    english = data_of(client.get(path, headers={"Accept-Language": "en"}))

    assert "提示词" in data_of(client.get(path))["message"]
    assert english["message"] == english["error"]["message"]
    assert english["message"].isascii()
    assert english["error"]["retryable"] is False


def test_unchanged_result_is_not_sent_again(client, work_off, monkeypatch):
    """The tag of a finished task is answered with 304, also in its weak form. The
    result is made once for a while: byte for byte the same, as long as the task is
    there."""
    task_id = create(client)
    work_off()
    url = f"{API}/ai/image/result/{task_id}"
    first = client.get(url)
    tag = first.headers["ETag"]
    with monkeypatch.context() as patched:
        patched.delattr("jimeng.tasks.queries._images")  # nobody needs it
        again = client.get(url, headers={"If-None-Match": '"other"'})

    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = client.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Accept-Language" in answer.vary
    assert (again.status_code, again.data) == (200, first.data)
    assert (again.content_type, again.headers["ETag"]) == ("application/json", tag)
    client.delete(f"{API}/ai/image/task/{task_id}")
    refused(client.get(url), 404, "task_not_found")


def test_changed_result_has_another_tag(client, work_off):
    """Progress and another language are both worth an answer; nothing new is none."""
    url = f"{API}/ai/image/result/{create(client)}"
    waiting = client.get(url).headers["ETag"]
    same = client.get(url, headers={"If-None-Match": waiting})
    assert (same.status_code, same.headers["Retry-After"]) == (304, "3")
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

    public = "https://a.example"
    with client_with(config, registry, PUBLIC_URL=public) as other:
        answer = other.get(url, headers=known, base_url=public)
        made = other.post(CREATE, json=CAT, base_url=public)

    assert data_of(answer)["image_url"].startswith(f"{public}/i/")
    links = data_of(made, 202)["links"].values()
    assert all(link.startswith(f"{public}/") for link in links)


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


LIST = f"{API}/tasks/user/user_123"
PAGES = f"{API}/ai/image/tasks"


def walk(client, url: str) -> list[list[str]]:
    """Follow the links to the end; the ids of each page."""
    pages = []
    while url:
        answer = client.get(url)
        pages.append([record["id"] for record in data_of(answer)])
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        cursor = parse_qs(urlsplit(link[1]).query)["cursor"][0] if link else None
        assert answer.json["next_cursor"] == cursor
        url = link[1] if link else ""
    return pages


def test_cursor_walks_over_tasks_of_one_moment(client):
    """Many tasks with the same time are all met, once each, newest first; a last page
    that is full promises no other. Where there are none the list is empty."""
    answer = client.get(LIST)
    assert (data_of(answer), answer.json["next_cursor"]) == ([], None)
    assert "Link" not in answer.headers
    ids = [create(client) for _ in range(13)]
    now = utcnow()
    Task.collection().update_many({}, {"$set": {"created_at": now}})
    create(client, user_id="somebody.else")

    pages = walk(client, f"{LIST}?limit=4")

    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert sum(pages, []) == sorted(ids, reverse=True)
    assert [len(page) for page in walk(client, f"{LIST}?limit=13")] == [13]


def test_list_can_be_narrowed_by_status_and_words(client, work_off):
    """Both filters hold on each page, and stand in the link to the next."""
    create(client, prompt="a red Cat (small)")
    create(client, prompt="一只小猫咪在花园里")
    work_off()
    waiting = create(client, prompt="a red cat, again")

    def found(**query):
        answer = client.get(LIST, query_string=query)
        return [record["prompt"] for record in data_of(answer)]

    assert found(q="cat RED") == ["a red cat, again", "a red Cat (small)"]
    assert found(q="cat", status="completed") == ["a red Cat (small)"]
    assert found(q="花园 小猫") == ["一只小猫咪在花园里"]
    assert found(q="(small)") == ["a red Cat (small)"]
    assert found(q=".*") == []
    assert data_of(client.get(f"{LIST}?status=pending"))[0]["id"] == waiting
    narrowed = walk(client, f"{LIST}?limit=1&status=completed&q=%E7%8C%AB")
    assert [len(page) for page in narrowed] == [1]


@for_each(
    "query, name",
    [
        *[(f"limit={value}", "limit") for value in ("0", "101", "-1", "x", "1.5", "")],
        *[(f"limit={value}", "limit") for value in ("%EF%BC%95", "1e1", "9" * 30)],
        *[(f"status={value}", "status") for value in ("done", "", "Pending", "$ne")],
        *[(f"cursor={value}", "cursor") for value in ("x", "", "MTIz", "a" * 201)],
        *[(f"cursor={value}", "cursor") for value in ("OTk5OTk5OTk5OTk5OTk5OmE", "Og")],
        *[("q=", "q"), (f"q={'a' * 201}", "q"), ("status[$ne]=x", "status[$ne]")],
    ],
)
def test_wrong_query_is_refused_by_its_name(client, query, name):
    assert list(errors_of(client.get(f"{LIST}?{query}"))) == [name]


@for_each("user_id", ["a b", "a" * 65, "$where", "%00", "猫"])
def test_list_of_an_impossible_user_is_refused(client, user_id):
    """No task can be of such a user, and nobody is shown everybody's."""
    assert list(errors_of(client.get(f"{API}/tasks/user/{user_id}"))) == ["user_id"]
    answer = client.get(f"{PAGES}?user_id={user_id}")
    assert list(errors_of(answer)) == ["user_id"]
    assert list(errors_of(client.get(f"{PAGES}?limit=5"))) == ["user_id"]


def test_list_by_offset(client):
    """Pages by number tell limit and offset; beyond 1,000 the cursor is cheaper."""
    ids = [create(client) for _ in range(5)]

    data = data_of(client.get(f"{PAGES}?user_id=user_123&limit=2&offset=3"))
    default = data_of(client.get(f"{PAGES}?user_id=user_123"))

    assert [each["task_id"] for each in data["tasks"]] == [ids[1], ids[0]]
    assert (data["limit"], data["offset"], data["count"]) == (2, 3, 2)
    assert (default["limit"], default["offset"], default["count"]) == (20, 0, 5)
    data_of(client.get(f"{PAGES}?user_id=user_123&offset=1000"))
    answer = client.get(f"{PAGES}?user_id=user_123&offset=1001")
    (words,) = errors_of(answer)["offset"]
    assert f"http://localhost{LIST}" in words and "1000" in words


EVERYBODY = Principal("user_123", is_operator=True)


@pytest.fixture
def views(app, client, provider, work_off) -> list:
    """Tasks that failed, are done in part, done, and waiting."""
    ids = [create(client)]
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    work_off()
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    ids += [create(client, n=2), create(client)]
    work_off()
    ids.append(create(client))
    found = [tasks.find(EVERYBODY, task_id) for task_id in ids]
    return tasks.view_all(EVERYBODY, found, whole=True)


def test_the_quick_way_gives_what_marshmallow_gives(app, views, registry, monkeypatch):
    """The same names in the same order, and the same values, whatever is dumped."""
    board = queue.read_queue(EVERYBODY)
    shown = [(TaskResult(), view) for view in views]
    shown += [(TaskRecord(), view) for view in views]
    shown += [(Created(), view.task) for view in views]
    record = model_responses.ModelRecord()
    shown += [(record, model) for model in registry.models.values()]
    shown += [(model_responses.StyleRecord(), style) for style in styles.STYLES]
    shown += [(responses.QueueRecord(), board)]

    with app.test_request_context():
        quick = [schema.dump(what) for schema, what in shown]
        monkeypatch.setattr(Reply, "dump", Schema.dump)
        slow = [schema.dump(what) for schema, what in shown]

    assert {each["status"] for each in quick[:4]} == {"failed", "completed", "pending"}
    assert quick == slow
    assert [*map(order, quick)] == [*map(order, slow)]


def order(answer: dict) -> list[str]:
    return [line.partition(":")[0] for line in json.dumps(answer, indent=1).split("\n")]
