"""Pictures in a collection, or shared, stay as favourites do, as long as they are."""

from datetime import timedelta

import pytest

from jimeng.documents import BulkAction, Image, Share, utcnow
from jimeng.documents.principal import Principal
from jimeng.gallery import collections, shares
from jimeng.upkeep import retention
from tests.forgetting import forget_retention
from tests.hung import hang
from tests.jobs.test_deaths import Died, reaper
from tests.upkeep.test_retention import aged, keep, kept, meanwhile

__all__ = ["aged", "keep", "meanwhile", "reaper"]

ME = Principal("user_123")


def pictures(*task_ids: str) -> list[str]:
    return [f"{task_id}_0" for task_id in task_ids]


@pytest.fixture
def later(keep):
    """What a month leaves of the pictures, looked at anew."""

    def look(**limits: float) -> set[str]:
        forget_retention()
        keep(**(limits or {"KEEP_DAYS": 30}))
        return kept()

    return look


def test_pictures_in_a_collection_stay_until_they_leave_the_last_one(aged, later):
    """Whatever their age; taken out of all of them they go like others."""
    old, other, loose = aged(40, 40, 40)
    first, second = collections.create(ME, "a"), collections.create(ME, "b")
    for each in (first, second):
        collections.change(ME, each.id, add=pictures(old, other))

    assert later() == {old, other}
    collections.change(ME, first.id, remove=pictures(old))
    assert later() == {old, other}
    collections.change(ME, second.id, remove=pictures(old))
    assert later() == {other}
    assert loose not in kept()
    (young,) = aged(0)
    found = Image.collection().find_one({"task_id": young})
    assert "collections" not in found, "nothing is written for what nobody put anywhere"
    assert Image.read(found).collections == []


def test_bytes_go_from_what_is_in_no_collection(aged, later, monkeypatch):
    """The oldest that nobody has put anywhere, though older ones are there."""
    oldest, older, young = aged(3, 2, 1)
    made = collections.create(ME, "a")
    collections.change(ME, made.id, add=pictures(oldest))
    row = Image.collection().find_one({"task_id": older})
    size = row["bytes"] + row["thumbnail_bytes"]
    store = type(retention.runtime().store)
    monkeypatch.setattr(store, "size", lambda self: retention.GIB + size)

    assert later(KEEP_GIB=1) == {oldest, young}


def test_picture_put_away_meanwhile_is_saved(aged, keep, meanwhile):
    """It is looked at once more in the moment of removal."""
    (old,) = aged(9)
    made = collections.create(ME, "a")
    meanwhile(lambda: collections.change(ME, made.id, add=pictures(old)))

    keep(KEEP_DAYS=1)

    assert kept() == {old}


def test_what_is_kept_is_not_gone_through_each_time(aged, keep):
    """A round ends with it; only what has grown old since is looked at until then."""
    first, second, third = aged(40, 39, 20)
    made = collections.create(ME, "a")
    collections.change(ME, made.id, add=pictures(first, second))
    keep(KEEP_DAYS=30)
    due = list(retention._due(None, 30, 0, after=retention._passed[None]))
    assert due == []
    collections.change(ME, made.id, remove=pictures(first))

    keep(KEEP_DAYS=30)
    assert kept() == {first, second, third}
    keep(KEEP_DAYS=10)
    assert kept() == {first, second}
    forget_retention()
    keep(KEEP_DAYS=10)

    assert kept() == {second}


def test_death_beside_a_deletion_keeps_nothing_for_ever(database, reaper, monkeypatch):
    """Put in by a request that found the collection, was late, and died."""
    ids = hang("a", "b")
    mine = Principal("guest")
    made = collections.create(mine, "a")
    monkeypatch.setattr(collections, "find", lambda principal, name: made)
    collections.delete(mine, made.id)
    reaper.arm(3)  # between the pictures and the collection

    with pytest.raises(Died):
        collections.change(mine, made.id, add=ids)
    reaper.disarm()
    inside = {"collections": {"$exists": True}}
    assert Image.collection().count_documents(inside) == 2

    collections.clean_up_deletions()
    assert Image.collection().count_documents(inside) == 2  # it may go on yet
    monkeypatch.setattr(collections, "REQUEST_GRACE", timedelta(seconds=-1))
    collections.clean_up_deletions()

    assert Image.collection().count_documents(inside) == 0
    deletion = BulkAction.find_one({"kind": collections.DELETE})
    assert deletion.details["looked"] is True


def test_shared_picture_stays_until_its_link_ends(aged, later):
    ended, revoked, shared, loose = aged(43, 42, 41, 40)
    for each in pictures(ended, revoked, shared):
        shares.share_or_update(ME, each)

    assert later() == {ended, revoked, shared}
    shares.revoke(ME, f"{revoked}_0")
    past = {"$set": {"expires_at": utcnow() - timedelta(seconds=1)}}
    Share.collection().update_one({"_id": f"{ended}_0"}, past)

    assert later() == {shared}


def test_shared_pictures_hold_up_no_others(aged, later, monkeypatch):
    """A batch of which all are shared is passed; in the bytes they count as kept."""
    first, second, third, young = aged(40, 39, 38, 1)
    for each in pictures(first, second):
        shares.share_or_update(ME, each)
    monkeypatch.setattr(retention, "BATCH_DOCUMENTS", 2)

    assert later() == {first, second, third, young}
    assert retention.apply_limits() is True

    assert kept() == {first, second, young}
    assert retention.count_surplus(None, 30, 0).count == 0


def test_beyond_the_bytes_those_after_the_shared_ones_go(aged, later):
    """Nor do those go that are in a collection, though they are older."""
    put, first, second, third = aged(4, 3, 2, 1)
    collections.change(ME, collections.create(ME, "a").id, add=pictures(put))
    shares.share_or_update(ME, f"{first}_0")
    sizes = {"$set": {"bytes": 1000, "thumbnail_bytes": 0, "preview_bytes": 0}}
    Image.collection().update_many({}, sizes)
    stored = retention.runtime().store.size()
    limit = (stored - 500) / retention.GIB

    told = retention.count_surplus(None, 0, limit)

    assert (told.count, told.bytes) == (1, 1000)
    assert later(KEEP_GIB=limit) == {put, first, third}
