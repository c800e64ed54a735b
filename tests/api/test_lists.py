"""Lists of a user's tasks: by cursor to any depth, by offset to some."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from jimeng.documents import Task, utcnow
from tests.each import for_each
from tests.rest import API, CREATE, create, data_of, errors_of, refused

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
    """Many tasks with the same time are all met, once each, newest first."""
    ids = [create(client) for _ in range(13)]
    now = utcnow()
    Task.collection().update_many({}, {"$set": {"created_at": now}})
    create(client, user_id="somebody.else")

    pages = walk(client, f"{LIST}?limit=4")

    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert sum(pages, []) == sorted(ids, reverse=True)


def test_walk_ends_exactly_at_a_full_page(client):
    """A last page that is full promises no other."""
    for _ in range(4):
        create(client)

    assert [len(page) for page in walk(client, f"{LIST}?limit=2")] == [2, 2]


def test_tasks_that_come_in_between_do_not_disturb_a_walk(client):
    """What is newer than the first page is not met, what is older is."""
    old = [create(client) for _ in range(4)]
    first = client.get(f"{LIST}?limit=2")
    create(client)

    rest = client.get(f"{LIST}?cursor={first.json['next_cursor']}")

    seen = [each["id"] for each in first.json["data"] + data_of(rest)]
    assert seen == old[::-1]


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


def test_user_without_tasks_has_an_empty_list(client):
    """An id that nobody has used is fine."""
    answer = client.get(f"{API}/tasks/user/nobody")

    assert data_of(answer) == []
    assert answer.json["next_cursor"] is None
    assert "Link" not in answer.headers


@for_each(
    "query, name",
    [
        *[(f"limit={value}", "limit") for value in ("0", "101", "-1", "x", "1.5", "")],
        *[(f"limit={value}", "limit") for value in ("%EF%BC%95", "1e1", "9" * 30)],
        *[(f"status={value}", "status") for value in ("done", "", "Pending", "$ne")],
        *[(f"cursor={value}", "cursor") for value in ("x", "", "AA==", "a" * 201)],
        *[(f"cursor={value}", "cursor") for value in ("OTk5OTk5OTk5OTk5OTk5OmE", "Og")],
        *[("q=", "q"), (f"q={'a' * 201}", "q"), ("status[$ne]=x", "status[$ne]")],
    ],
)
def test_wrong_query_is_refused_by_its_name(client, query, name):
    """Limits, states and cursors that cannot be are named."""
    assert list(errors_of(client.get(f"{LIST}?{query}"))) == [name]


@for_each("user_id", ["a b", "a" * 65, "$where", "%00", "猫"])
def test_list_of_an_impossible_user_is_refused(client, user_id):
    """No task can be of such a user."""
    assert list(errors_of(client.get(f"{API}/tasks/user/{user_id}"))) == ["user_id"]
    answer = client.get(f"{PAGES}?user_id={user_id}")
    assert list(errors_of(answer)) == ["user_id"]


def test_list_by_offset(client):
    """Pages by number tell limit, offset, and how many they hold."""
    ids = [create(client) for _ in range(5)]

    data = data_of(client.get(f"{PAGES}?user_id=user_123&limit=2&offset=3"))
    default = data_of(client.get(f"{PAGES}?user_id=user_123"))

    assert [each["task_id"] for each in data["tasks"]] == [ids[1], ids[0]]
    assert (data["limit"], data["offset"], data["count"]) == (2, 3, 2)
    assert (default["limit"], default["offset"], default["count"]) == (20, 0, 5)


def test_large_offset_points_to_the_cursor(client):
    """Beyond 1,000 the words name the list that is cheap at any depth."""
    data_of(client.get(f"{PAGES}?user_id=user_123&offset=1000"))

    answer = client.get(f"{PAGES}?user_id=user_123&offset=1001")

    (words,) = errors_of(answer)["offset"]
    assert f"http://localhost{LIST}" in words and "1000" in words


@pytest.mark.parametrize("query", ["", "?limit=5"])
def test_list_by_offset_needs_a_user(client, query):
    """Nobody is shown everybody's tasks."""
    assert list(errors_of(client.get(f"{PAGES}{query}"))) == ["user_id"]


def test_deleted_task_is_in_no_list(client):
    """Deleting answers with the id; afterwards there is nothing."""
    task_id = create(client)

    data = data_of(client.delete(f"{CREATE}/{task_id}"))

    assert data == {"task_id": task_id, "message": "任务及其图片已删除"}
    refused(client.delete(f"{CREATE}/{task_id}"), 404, "task_not_found")
    refused(client.get(f"{API}/tasks/{task_id}"), 404, "task_not_found")
    assert data_of(client.get(LIST)) == []
    assert data_of(client.get(f"{PAGES}?user_id=user_123"))["count"] == 0
