"""Shares: what their owner may do, and what is looked up each time."""

from datetime import timedelta

import pytest

from jimeng.documents import AuditEntry, Image, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, Invalid
from jimeng.errors.access import AdminsOnly, UserNotFound
from jimeng.errors.collections import CollectionNotFound, ShareNotFound, TooManyShares
from jimeng.gallery import collections, shared_pages, shares, trash
from jimeng.gallery.shares import name_of, time_of
from tests.hung import hang

ME, OTHER = Principal("guest"), Principal("user_other")
ROOT = Principal("root", is_operator=True)


@pytest.fixture
def pictures(database) -> list[str]:
    return hang("a", "b", "c")


@pytest.fixture
def collection(pictures) -> str:
    made = collections.create(ME, "Spring")
    collections.change(ME, made.id, add=pictures)
    return made.id


def test_link_that_is_replaced_or_revoked_is_dead_at_once(collection):
    """And so are the addresses of the pictures. Until then it is one, however often the
    share is begun."""
    begun = shares.share_or_update(ME, collection, title="  For \n Lin ")
    first = shares.share_or_update(ME, collection, prompts=True)
    told = (first.token, first.title, first.prompts)
    assert told == (begun.token, "For Lin", True)
    assert shares.share_or_update(ME, collection, title="$x").title == "$x"
    assert shares.share_or_update(ME, collection, title="").title == ""
    seen = shared_pages.visit(first.token)
    image = shared_pages.open_page(seen).rows[0]
    name = shares.name_of(first, image)

    second = shares.replace_link(ME, collection)

    assert second.token != first.token
    with pytest.raises(ShareNotFound):
        shared_pages.visit(first.token)
    with pytest.raises(ShareNotFound):
        shared_pages.picture_by_name(shared_pages.visit(second.token), name)
    shares.revoke(ROOT, collection)
    (entry,) = AuditEntry.collection().find({})
    assert (entry["action"], entry["target"]) == ("shares.revoke", collection)
    assert entry["details"]["of"] == "guest", "what an operator does to another's"
    with pytest.raises(ShareNotFound):
        shared_pages.visit(second.token)
    assert shares.of_target(ME, collection) is None
    with pytest.raises(ShareNotFound):
        shares.revoke(ME, collection)


def test_share_ends_at_its_time(collection, monkeypatch):
    """Not before, and not once it was given another."""
    end = utcnow() + timedelta(hours=1)
    made = shares.share_or_update(ME, collection, expires_at=end)
    assert shared_pages.visit(made.token).title == "Spring"

    monkeypatch.setattr("jimeng.gallery.shared_pages.utcnow", lambda: end)

    with pytest.raises(ShareNotFound):
        shared_pages.visit(made.token)
    shares.share_or_update(ME, collection, expires_at=None)
    assert shared_pages.visit(made.token).title == "Spring"
    with pytest.raises(Invalid):
        past = utcnow() - timedelta(seconds=1)
        shares.share_or_update(ME, collection, expires_at=past)


def test_what_is_in_the_trash_disappears_and_comes_back(collection, pictures):
    """From a collection's page, and with a picture's own; in the list there is the
    newest picture of each that is to be seen."""
    whole = shared_pages.visit(shares.share_or_update(ME, collection).token)
    alone = shared_pages.visit(shares.share_or_update(ME, pictures[0]).token)
    name = shares.name_of(whole.share, Image.find_one({"_id": pictures[0]}))

    trash.trash_pictures(ME, pictures[:1])

    listed = {
        each.share.id: each.image and each.image.id for each in shares.page(ME).rows
    }
    assert listed == {pictures[0]: None, collection: pictures[1]}
    assert [i.prompt for i in shared_pages.open_page(whole).rows] == ["b", "c"]
    for act in (
        lambda: shared_pages.open_page(alone),
        lambda: shared_pages.picture_by_name(whole, name),
    ):
        with pytest.raises(ShareNotFound):
            act()
    trash.restore_pictures(ME, pictures[:1])
    assert shared_pages.open_page(alone).rows[0].id == pictures[0]
    collections.change(ME, collection, remove=pictures[:1])
    with pytest.raises(ShareNotFound):
        shared_pages.picture_by_name(whole, name)


def test_names_tell_nothing_and_are_not_to_be_guessed(collection, pictures):
    """They differ from share to share, and whatever is not one names nothing."""
    share = shares.share_or_update(ME, collection)
    images = Image.read_all(Image.collection().find({}))
    names = {name_of(share, image) for image in images}

    assert len(names) == 3
    assert {time_of(share, name_of(share, i)) for i in images} == {
        image.created_at for image in images
    }
    other = shares.replace_link(ME, collection)
    assert not names & {name_of(other, image) for image in images}
    seen, name = shared_pages.visit(other.token), name_of(other, images[0])
    for wrong in ("", "x" * 15, name[::-1], name[:-1], name + "A", "/", "é" * 15):
        with pytest.raises(ShareNotFound):
            shared_pages.picture_by_name(seen, wrong)


def test_others_can_neither_share_nor_change(collection, pictures, monkeypatch):
    """Nor see what is shared, but for its page. Nobody shares more than may be."""
    monkeypatch.setattr(shares, "MAX_SHARES", 1)
    shares.share_or_update(ME, collection)
    with pytest.raises(TooManyShares):
        shares.share_or_update(ME, pictures[0])

    with pytest.raises(CollectionNotFound):
        shares.share_or_update(OTHER, collection)
    with pytest.raises(ImageNotFound):
        shares.share_or_update(OTHER, pictures[0])
    for act in (shares.find_overview, shares.revoke, shares.replace_link):
        with pytest.raises(ShareNotFound):
            act(OTHER, collection)
    with pytest.raises(UserNotFound):
        shares.page(OTHER, "guest")
    with pytest.raises(AdminsOnly):
        shares.page_of_all_users(ME)
    assert shares.page(OTHER).rows == []
