"""Without its unique index nothing is done that could be done twice."""

import pytest

from jimeng import accounts
from jimeng.documents import Generation, Task, indexes
from jimeng.documents.principal import Principal
from jimeng.errors import IndexMissing
from jimeng.jobs import bulk, pump
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.documents.index_tools import IDEM, KEY, ask_twice, drop, replace
from tests.hung import hang
from tests.page import send
from tests.rest import CAT, CREATE, USERS, create, data_of, new_user, refused, result

HOW = ["noticed", "unnoticed", "not unique"]


def lose(database, label: str, how: str) -> None:
    """Whether or not this process sees it; or another only has the name and fields."""
    indexes.compare_indexes()
    if how == "not unique":
        options = dict(indexes.declared()[label].options)
        replace(database, label, **{**options, "unique": False})
    else:
        drop(database, label)
    if how != "unnoticed":
        indexes.compare_indexes()


@pytest.mark.parametrize("how", HOW)
def test_without_its_index_no_key_makes_a_task(client, database, how):
    """Others go on; what was taken of the limits before is given back."""
    lose(database, IDEM, how)

    answer = client.post(CREATE, json=CAT, headers=KEY)

    refused(answer, 503, "index_missing")
    assert int(answer.headers["Retry-After"]) > 0
    assert Task.collection().count_documents({}) == 0
    taken = list(database.places.find())
    assert len(taken) == 1 or how != "unnoticed"
    for line in taken:
        assert line["asked"] == 0
        assert [place["pending"] for place in line["lanes"].values()] == [0]
    create(client)
    assert indexes.build(replace_unique=True) == {}
    assert ask_twice(client) == [202, 202]
    assert Task.collection().count_documents({"idem_key": "one"}) == 1


def test_index_that_another_process_has_built_is_not_missed(client, database):
    """At the first start one builds, and what the others saw before is out of date."""
    index = drop(database, IDEM)
    assert IDEM in indexes.compare_indexes()
    options = {"name": index.name, **index.options}
    database[index.collection].create_index(list(index.keys), **options)

    assert ask_twice(client) == [202, 202]
    assert Task.collection().count_documents({}) == 1


@pytest.mark.parametrize("how", HOW)
def test_without_the_index_of_slots_nothing_is_sent(
    client, database, provider, work_off, how
):
    """
    Two consumers could take the same one: the lane waits; what is under way goes on;
    then all is sent.
    """
    under_way = create(client)
    run_queue()
    assert len(provider.requests) == 1
    lose(database, indexes.SLOTS, how)
    waiting = create(client)

    for _ in range(3):
        pump.tick()
        run_queue()

    assert len(provider.requests) == 1
    assert indexes.build(replace_unique=True) == {}
    work_off()
    assert len(provider.requests) == 2
    assert {result(client, each)["status"] for each in (under_way, waiting)} == {
        "completed"
    }


def test_without_the_index_of_emails_no_user_is_made_or_moved(client, database):
    """Nobody could tell whether the address is taken."""
    user = new_user(client)
    drop(database, indexes.EMAILS)

    body = {"email": "b@example.com", "name": "b"}
    refused(client.post(USERS, json=body), 503, "index_missing")
    address = f"{USERS}/{user['id']}"
    refused(client.put(address, json=body), 503, "index_missing")
    data_of(client.put(address, json={"name": "c"}))
    assert database.users.count_documents({}) == 1


def test_without_their_index_no_keys_and_no_bulk_actions_are_made(client, database):
    """
    What comes with a request would not tell whose it is; and two could work on the same
    tasks.
    """
    user_id, root = new_user(client)["id"], Principal("admin", is_operator=True)
    for label, make in (
        (indexes.API_KEYS, lambda: accounts.create_key(root, user_id, name="k")),
        (indexes.BULK, lambda: bulk.start(root, "some", total=1)),
    ):
        index = drop(database, label)

        with pytest.raises(IndexMissing):
            make()

        assert database[index.collection].count_documents({}) == 0


def test_without_the_index_of_links_none_is_replaced(client, database):
    (picture,) = hang("a cat")
    before = database.images.find_one({})["key"]
    drop(database, indexes.LINKS)

    answer = send(client, f"/pictures/{picture}/link")

    assert answer.status_code == 503
    assert database.images.find_one({})["key"] == before


def test_pictures_are_polled_without_the_index_of_slots(
    client, database, provider, monkeypatch
):
    """What counts those under way by it counts none."""
    create(client)
    run_queue()
    drop(database, indexes.SLOTS)
    provider.polls = [Progress("x")]

    come_due()
    pump.tick()
    run_queue()

    found = Generation.find_one({})
    assert (found.state, found.polls) == ("generating", 1)
