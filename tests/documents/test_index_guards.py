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


@pytest.mark.parametrize("is_noticed", [True, False])
def test_without_its_index_no_key_makes_a_task(client, database, is_noticed):
    """Whether or not this process has seen that it is gone; others go on."""
    indexes.compare_indexes()
    drop(database, IDEM)
    if is_noticed:
        indexes.compare_indexes()

    answer = client.post(CREATE, json=CAT, headers=KEY)

    refused(answer, 503, "index_missing")
    assert int(answer.headers["Retry-After"]) > 0
    assert Task.collection().count_documents({}) == 0
    create(client)
    assert indexes.build() == {}
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


def test_refused_key_takes_nothing_of_the_limits(client, database):
    """What was taken before the index proved missing is given back."""
    indexes.compare_indexes()
    drop(database, IDEM)

    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")

    (line,) = database.places.find()
    assert line["asked"] == 0
    assert [place["pending"] for place in line["lanes"].values()] == [0]


def test_index_that_only_has_the_name_is_not_believed(client, database):
    """Of the same name and fields, but not unique."""
    replace(database, IDEM, partialFilterExpression={"idem_key": {"$exists": True}})
    indexes.compare_indexes()

    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")

    assert indexes.build(replace_unique=True) == {}
    assert ask_twice(client) == [202, 202]
    assert Task.collection().count_documents({}) == 1


@pytest.mark.parametrize("is_noticed", [True, False])
def test_without_the_index_of_slots_nothing_is_sent(
    client, database, provider, work_off, is_noticed
):
    """The lane waits; what is under way goes on; then all is sent."""
    under_way = create(client)
    run_queue()
    assert len(provider.requests) == 1
    indexes.compare_indexes()
    drop(database, indexes.SLOTS)
    if is_noticed:
        indexes.compare_indexes()
    waiting = create(client)

    for _ in range(3):
        pump.tick()
        run_queue()

    assert len(provider.requests) == 1
    assert indexes.build() == {}
    work_off()
    assert len(provider.requests) == 2
    assert {result(client, each)["status"] for each in (under_way, waiting)} == {
        "completed"
    }


def test_slots_that_are_not_unique_are_not_believed(client, database, provider):
    """Two consumers could take the same one."""
    only = {"slot": {"$exists": True}}
    replace(database, indexes.SLOTS, partialFilterExpression=only)
    indexes.compare_indexes()
    create(client)

    for _ in range(3):
        pump.tick()
        run_queue()

    assert provider.requests == []


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


def test_without_the_index_of_keys_none_is_made(client, database):
    """What comes with a request would not tell whose it is."""
    user = new_user(client)
    me = Principal("admin", is_operator=True)
    drop(database, indexes.API_KEYS)

    with pytest.raises(IndexMissing):
        accounts.create_key(me, user["id"], name="k")

    assert database.api_keys.count_documents({}) == 0


def test_without_the_index_of_bulk_actions_none_is_begun(client, database):
    """Two could work on the same tasks."""
    drop(database, indexes.BULK)

    with pytest.raises(IndexMissing):
        bulk.start(Principal("admin", is_operator=True), "some", total=1)

    assert database.bulk_actions.count_documents({}) == 0


def test_without_the_index_of_links_none_is_replaced(client, database):
    """The picture keeps the link that it has."""
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
