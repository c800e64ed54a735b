"""Without its unique index nothing is done that could be done twice."""

import pytest

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import Generation, Task, indexes
from jimeng.documents.principal import Principal
from jimeng.errors import IndexMissing
from jimeng.gallery.picture_details import replace_link
from jimeng.jobs import bulk, pump
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.documents.test_indexes import IDEM, KEY, drop, replace
from tests.hung import hang
from tests.rest import CAT, CREATE, USERS, create, data_of, new_user, refused, result

HOW = ["noticed", "unnoticed", "not unique"]


def ask_twice(client) -> list[int]:
    return [client.post(CREATE, json=CAT, headers=KEY).status_code for _ in range(2)]


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
    """Two could take the same: the lane waits, and what is under way goes on."""
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


def test_without_its_index_nothing_is_made_or_moved(client, database):
    """
    Nobody could tell whether an address is taken, or whose a request or a link is; and
    two could work on the same tasks.
    """
    user_id, root = new_user(client)["id"], Principal("admin", is_operator=True)
    (picture,) = hang("a cat")
    kept = database.images.find_one({}), database.users.find_one({})
    email = {"email": "b@example.com", "name": "b"}
    acts = {
        indexes.EMAILS: [
            lambda: users.create(root, **email),
            lambda: users.update(root, user_id, **email),
        ],
        indexes.API_KEYS: [lambda: accounts.create_key(root, user_id, name="k")],
        indexes.BULK: [lambda: bulk.start(root, "some", total=1)],
        indexes.LINKS: [lambda: replace_link(root, picture)],
    }
    for label, making in acts.items():
        index = drop(database, label)
        before = database[index.collection].count_documents({})
        for make in making:
            with pytest.raises(IndexMissing):
                make()
        assert database[index.collection].count_documents({}) == before

    assert (database.images.find_one({}), database.users.find_one({})) == kept
    data_of(client.put(f"{USERS}/{user_id}", json={"name": "c"}))


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
