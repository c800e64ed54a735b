"""Batches in the REST API: asked for, judged, listed, told of."""

from jimeng.batches.capacity import WINDOW
from jimeng.documents import Batch, Generation, Task, utcnow
from jimeng.errors import ProviderError
from tests.batches.conftest import (
    BATCHES,
    ask,
    lines,
    look,
    tasks_of,
)
from tests.each import for_each
from tests.rest import create, data_of, errors_of, refused, task

REFUSED = ProviderError("no", code="provider_failed")
FORBIDDEN = ProviderError("no", code="content_refused_prompt")
LOST = ProviderError("?", code="submit_unknown", charged="unknown", maybe_accepted=True)


def send(client, **body):
    return client.post(BATCHES, json={"user_id": "user_123", **body})


def test_dry_run_says_what_there_would_be(client):
    """Prompts, count and price; nothing is written, and no place is taken."""
    body = {"template": "{红|蓝}猫\n红猫", "n": 2, "user_id": "user_123"}

    found = data_of(client.post(f"{BATCHES}?dry_run=1", json=body))

    assert found["prompts"] == ["红猫", "蓝猫"]
    assert (found["count_of_prompts"], found["repeated"]) == (2, 1)
    assert (found["pictures"], found["n"]) == (4, 2)
    assert found["cost"]["fen_of_all"] == 4 * found["cost"]["fen"] > 0
    assert Batch.objects.count() == Task.objects.count() == 0


def test_plain_prompts_are_taken_as_they_stand(client):
    """Braces in a list are braces; those of a template come behind."""
    answer = send(client, prompts=["{a|b}", "c"], template="{c|d}")

    found = look(client, data_of(answer, 202)["batch_id"])

    assert found["prompts"] == ["{a|b}", "c", "d"]


@for_each(
    ("body", "field", "words"),
    [
        ({}, "prompts", "必须填写"),
        ({"template": " \n"}, "template", "没有提示词"),
        ({"template": "a\n{b"}, "template", "第 2 行"),
        ({"template": "a\n" + "长" * 801}, "template", "第 2 行太长：最多 800"),
        ({"template": "{a|b}" * 20}, "template", "1,048,576 条提示词，一批最多 500"),
        ({"prompts": ["a", "长" * 801]}, "prompts.1", "800"),
        ({"prompts": [" "]}, "prompts.0", "1"),
        ({"template": "a", "size": "9x9"}, "size", ""),
        ({"template": "a", "model": "none"}, "model", ""),
        ({"template": "a", "n": 5}, "n", "1 到 4"),
        ({"template": "a", "mask": "x"}, "mask", "没有这个字段"),
        ({"template": "a", "style": "风" * 60}, "style", None),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(client, body, field, words):
    """The field, and in a template the line."""
    answer = send(client, **body)
    if words is None:
        assert answer.status_code == 202
        return

    found = errors_of(answer)

    assert words in found[field][0], found
    assert Batch.objects.count() == Task.objects.count() == 0


def test_same_key_makes_one_batch(client):
    """Sent again it is answered with the first; in other words it is refused."""
    body = {"template": "a\nb", "user_id": "user_123"}
    key = {"Idempotency-Key": "many"}

    first = client.post(BATCHES, json=body, headers=key)
    again = client.post(BATCHES, json=body, headers=key)
    other = client.post(BATCHES, json={**body, "n": 2}, headers=key)

    assert data_of(again, 202)["batch_id"] == data_of(first, 202)["batch_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(other, 422, "idempotency_key_reused")
    assert (Batch.objects.count(), Task.objects.count()) == (1, 2)


def test_batch_counts_once_for_the_minute(client, config, registry):
    """However many tasks it makes; and too many batches at a time are refused."""
    for _ in range(20):
        ask(client, lines(2))

    answer = send(client, template="a")

    refused(answer, 429, "too_many_batches")
    assert "Retry-After" in answer.headers


def test_lists_go_on_where_the_page_before_ended(client):
    """Batches newest first, tasks in the order of the prompts."""
    first = ask(client, lines(3))["batch_id"]
    second = ask(client, "狗")["batch_id"]
    where = {"user_id": "user_123", "limit": 1}

    page = client.get(BATCHES, query_string=where)
    rest = client.get(
        BATCHES, query_string={**where, "cursor": page.json["next_cursor"]}
    )

    assert [row["batch_id"] for row in data_of(page)] == [second]
    assert [row["batch_id"] for row in data_of(rest)] == [first]
    assert 'rel="next"' in page.headers["Link"]
    some = tasks_of(client, first, limit=2)
    more = tasks_of(client, first, limit=2, cursor=some[-1]["id"])
    assert [row["prompt"] for row in some + more] == ["猫 0", "猫 1", "猫 2"]
    assert {row["batch_id"] for row in some + more} == {first}
    assert tasks_of(client, first, status="failed") == []


def test_progress_tells_of_every_picture(client, work_all):
    """While it goes on each is in one state; together they are all there are."""
    batch_id = ask(client, lines(WINDOW + 2))["batch_id"]
    one = Task.objects.order_by("id").first()
    Generation.collection().update_one(
        {"task_id": one.id}, {"$set": {"state": "generating"}, "$unset": {"waiting": 1}}
    )

    found = look(client, batch_id)

    assert found["pictures"] == {
        **{"total": WINDOW + 2, "unmade": 2, "waiting": WINDOW - 1, "drawing": 1},
        **{"done": 0, "failed": 0, "cancelled": 0},
    }
    assert found["eta_seconds"] > 0
    assert (found["status"], found["made"]) == ("processing", WINDOW)


def test_single_tasks_belong_to_none(client):
    """And say so."""
    found = task(client, create(client))

    assert found["batch_id"] is found["batch_index"] is None


def test_state_of_a_later_release_is_borne(client, work_all):
    """Fields and states that are not known here change nothing."""
    batch_id = ask(client, "猫")["batch_id"]
    Batch.collection().update_one(
        {}, {"$set": {"colour": "red", "waits": {"code": "moon", "until": utcnow()}}}
    )
    Task.collection().update_many({}, {"$set": {"status": "dreaming"}})

    found = look(client, batch_id)

    assert found["waits"]["code"] == "moon"
    assert found["pictures"]["total"] == 1
    Batch.collection().update_one({}, {"$set": {"stopped": "tired"}})
    assert look(client, batch_id)["reason"] == "tired"
