"""A shared picture stays, as favourites do, for as long as its link leads somewhere."""

from datetime import timedelta

from jimeng.documents import Image, Share, utcnow
from jimeng.gallery import shares
from jimeng.jobs import retention
from tests.collections.test_keeping import ME, later, pictures
from tests.jobs.test_retention import aged, keep, kept

__all__ = ["aged", "keep", "later"]


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
    """And what a limit would remove is told without them."""
    first, second, third = aged(3, 2, 1)
    shares.share_or_update(ME, f"{first}_0")
    sizes = {"$set": {"bytes": 1000, "thumbnail_bytes": 0, "preview_bytes": 0}}
    Image.collection().update_many({}, sizes)
    stored = retention.runtime().store.size()
    limit = (stored - 500) / retention.GIB

    told = retention.count_surplus(None, 0, limit)

    assert (told.count, told.bytes) == (1, 1000)
    assert later(KEEP_GIB=limit) == {first, third}
