"""Collections and shares through the REST door."""

import pytest

from tests.commands import counted
from tests.hung import hang
from tests.rest import API, create, data_of, errors_of, refused

COLLECTIONS, SHARES = f"{API}/collections", f"{API}/shares"


def make(client, name: str = "海报") -> str:
    body = {"name": name, "user_id": "guest"}
    return data_of(client.post(COLLECTIONS, json=body), 201)["id"]


@pytest.fixture
def pictures(database) -> list[str]:
    return hang("a", "b", "c")


def test_collection_from_its_making_to_its_end(client, pictures):
    made = make(client)
    where = f"{COLLECTIONS}/{made}"
    body = {"add": [*pictures[:2], "nothing"], "remove": pictures[2:]}
    first = data_of(client.post(f"{where}/pictures", json={"add": pictures[2:]}))
    second = data_of(client.post(f"{where}/pictures", json=body))
    assert (first["added"], second) == (1, {"added": 2, "removed": 1, "left_out": 0})

    page = client.get(f"{where}/pictures?limit=1")
    rest = client.get(f"{where}/pictures?cursor={page.json['next_cursor']}")
    assert page.headers["Link"].endswith('rel="next"')
    shown = [*data_of(page), *data_of(rest)]
    assert [each["id"] for each in shown] == pictures[:2]
    (listed,) = data_of(client.get(f"{COLLECTIONS}?user_id=guest"))
    assert (listed["pictures"], listed["cover"]["id"]) == (2, pictures[0])
    renamed = data_of(client.put(where, json={"name": " 春 "}))
    assert renamed["name"] == "春"
    data_of(client.delete(where))
    refused(client.get(where), 404, "collection_not_found")
    assert client.get(f"/pictures/{pictures[0]}").status_code == 200


def test_pictures_of_a_collection_say_what_they_cost(client, work_off, config):
    """As in their task; null for one of an earlier release. In one query for all."""
    made, task_id = make(client), create(client, n=2, user_id="guest")
    work_off()
    where = f"{COLLECTIONS}/{made}/pictures"
    ids = [f"{task_id}_0", f"{task_id}_1", *hang("a")]
    data_of(client.post(where, json={"add": ids}))

    with counted(config) as commands:
        shown = data_of(client.get(where))

    costs = {each["id"]: (each["cost"], each["cost_micros"]) for each in shown}
    paid = ("0.20", 200_000)
    assert costs == {ids[0]: paid, ids[1]: paid, ids[2]: (None, None)}
    assert [each["find"] for each in commands if "find" in each].count("tasks") == 1


def test_what_is_wrong_is_said_and_changes_nothing(client, pictures):
    """Names that are taken, lists that are too long, fields that there are not."""
    made = make(client)
    body = {"name": "海报", "user_id": "guest"}
    refused(client.post(COLLECTIONS, json=body), 409, "collection_name_taken")
    assert errors_of(client.put(f"{COLLECTIONS}/{made}", json={"name": " "}))
    where = f"{COLLECTIONS}/{made}/pictures"
    assert errors_of(client.post(where, json={"add": ["x"] * 1001}))
    assert errors_of(client.post(where, json={"pictures": pictures}))
    assert data_of(client.get(where)) == []
    assert client.get(f"{where}?cursor=x").status_code == 422


def test_share_from_its_beginning_to_its_end(client, pictures):
    made = make(client)
    for target, kind, title in (
        (made, "collection", "海报"),
        (pictures[0], "picture", ""),
    ):
        where = f"{SHARES}/{target}"
        first = data_of(client.put(where, json={}))
        assert (first["id"], first["kind"], first["title"]) == (target, kind, title)
        changed = data_of(client.put(where, json={"title": "看", "prompts": True}))
        assert (changed["url"], changed["title"]) == (first["url"], "看")
        new = data_of(client.post(f"{where}/replace", json={}))
        assert new["url"] != first["url"]
        assert data_of(client.get(where)) == new
    listed = data_of(client.get(f"{SHARES}?user_id=guest"))
    assert [each["id"] for each in listed] == [pictures[0], made]
    data_of(client.delete(f"{SHARES}/{made}"))
    refused(client.get(f"{SHARES}/{made}"), 404, "share_not_found")
    refused(client.delete(f"{SHARES}/{made}"), 404, "share_not_found")


def test_what_is_not_there_cannot_be_shared(client, pictures):
    """Nor until yesterday, nor until a moment that no calendar has."""
    gone = f"{SHARES}/collection_{'0' * 24}"
    refused(client.put(gone, json={}), 404, "collection_not_found")
    refused(client.put(f"{SHARES}/nothing", json={}), 404, "image_not_found")
    for end in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"):
        answer = client.put(f"{SHARES}/{pictures[0]}", json={"expires_at": end})
        assert list(errors_of(answer)) == ["expires_at"]
    assert errors_of(client.put(f"{SHARES}/{pictures[0]}", json={"title": "x" * 101}))
    refused(client.get(f"{SHARES}/{pictures[0]}"), 404, "share_not_found")
