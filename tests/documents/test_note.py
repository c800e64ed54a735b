"""`Stored.note`: a count that is not worth what the driver does for a write."""

import pytest
from pymongo.database import Database
from pymongo.errors import AutoReconnect, DuplicateKeyError, NetworkTimeout

from jimeng.documents import QuotaUsage

ONE_MORE = [{"$set": {"asked": {"$add": [{"$ifNull": ["$asked", 0]}, 1]}}}]


def note(where: dict) -> dict:
    return QuotaUsage.upsert(where, ONE_MORE, {"asked": 1})


@pytest.fixture
def breaking(database, monkeypatch):
    """Commands fail with these errors, one after another, before they are sent."""
    errors: list[Exception] = []
    command = Database.command

    def broken(this, *args, **kwargs):
        if errors:
            raise errors.pop(0)
        return command(this, *args, **kwargs)

    monkeypatch.setattr(Database, "command", broken)
    return errors


def test_makes_and_changes(database):
    """The fields are those that it has afterwards."""
    assert note({"_id": "ada"}) == {"_id": "ada", "asked": 1}
    assert note({"_id": "ada"}) == {"_id": "ada", "asked": 2}


def test_another_than_meant_stays_as_it_is(database):
    """It is not made a second time."""
    note({"_id": "ada"})

    with pytest.raises(DuplicateKeyError):
        note({"_id": "ada", "asked": {"$gt": 5}})

    assert QuotaUsage.find_one({"_id": "ada"}).asked == 1


def test_broken_connection_is_tried_again(breaking):
    """A server that was restarted is no reason to refuse."""
    breaking[:] = [AutoReconnect("reset")]

    assert note({"_id": "ada"})["asked"] == 1


def test_is_not_tried_for_ever(breaking):
    """Twice."""
    breaking[:] = [AutoReconnect("reset")] * 2

    with pytest.raises(AutoReconnect):
        note({"_id": "ada"})

    assert (breaking, note({"_id": "ada"})["asked"]) == ([], 1)


def test_slow_server_is_not_asked_again(breaking):
    """That would take twice as long as a request may."""
    breaking[:] = [NetworkTimeout("slow")]

    with pytest.raises(NetworkTimeout):
        note({"_id": "ada"})
