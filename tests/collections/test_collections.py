"""Collections: which pictures are in them, whatever becomes of either."""

import json
from datetime import UTC
from io import BytesIO
from zipfile import ZipFile

import pymongo
import pytest

from jimeng.accounts import data_export
from jimeng.documents import BulkAction, Collection, Image, Share
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.collections import (
    CollectionFull,
    CollectionNameTaken,
    CollectionNotFound,
    TooManyCollections,
)
from jimeng.gallery import browsing, collections, shares, trash
from jimeng.gallery.browsing import PictureFilter
from jimeng.jobs import bulk
from jimeng.upkeep import purge
from tests.hung import hang

ME, OTHER = Principal("guest"), Principal("user_other")


@pytest.fixture
def pictures(database) -> list[str]:
    return hang("a", "b", "c")


def inside(collection: Collection, **wanted) -> list[str]:
    """The prompts of the pictures in it, in order."""
    found = browsing.browse(ME, PictureFilter(collection=collection.id, **wanted))
    return [image.prompt for image in found.rows]


def test_deletion_that_died_is_gone_on_with(pictures, monkeypatch):
    """What was written down before the first change is done, whoever does it; the
    pictures stay, in others, too."""
    made, other = collections.create(ME, "x"), collections.create(ME, "y")
    for each in (made, other):
        collections.change(ME, each.id, add=pictures)
    shares.share_or_update(ME, made.id)
    monkeypatch.setattr(pymongo.collection.Collection, "delete_one", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        collections.delete(ME, made.id)
    monkeypatch.undo()

    assert bulk.run_due()

    assert [each.id for each in collections.find_all(ME)] == [other.id]
    assert inside(other) == ["a", "b", "c"]
    assert Share.collection().count_documents({}) == 0
    assert Image.collection().count_documents({"collections": made.id}) == 0
    assert BulkAction.find_one({"kind": collections.DELETE, "open": True}) is None


def test_collection_that_is_deleted_meanwhile_leaves_nothing(pictures, monkeypatch):
    """Pictures that came too late do not name it."""
    made = collections.create(ME, "x")
    monkeypatch.setattr(collections, "find", lambda principal, name: made)
    Collection.collection().delete_one({"_id": made.id})

    with pytest.raises(CollectionNotFound):
        collections.change(ME, made.id, add=pictures)

    assert Image.collection().count_documents({"collections": {"$exists": True}}) == 0


def test_others_see_and_touch_nothing(pictures):
    """Neither the collection, nor by one's own collection the picture."""
    mine, theirs = collections.create(ME, "x"), collections.create(OTHER, "x")
    collections.change(ME, mine.id, add=pictures[:1])

    for act in (
        lambda: collections.find(OTHER, mine.id),
        lambda: collections.rename(OTHER, mine.id, "y"),
        lambda: collections.delete(OTHER, mine.id),
        lambda: collections.change(OTHER, mine.id, remove=pictures),
    ):
        with pytest.raises(CollectionNotFound):
            act()
    assert collections.change(OTHER, theirs.id, add=pictures).added == 0
    assert collections.containing(OTHER, [mine], pictures) == {mine.id: 0}
    assert inside(mine) == ["a"]


def test_names_are_trimmed_bounded_and_unique(database):
    """In whatever letter case and width; others have the same for themselves."""
    made = collections.create(ME, "  Spring \n posters\u200b ")
    collections.create(OTHER, "spring posters")
    second = collections.create(ME, "二")

    assert made.name == "Spring posters"
    for taken in ("ＳPRING posters", "spring  posters"):
        with pytest.raises(CollectionNameTaken):
            collections.create(ME, taken)
        with pytest.raises(CollectionNameTaken):
            collections.rename(ME, second.id, taken)
    for wrong in ("", " \n", "x" * (collections.MAX_NAME_CHARS + 1)):
        with pytest.raises(Invalid):
            collections.create(ME, wrong)
    assert collections.rename(ME, made.id, "SPRING posters").name == "SPRING posters"


def test_nobody_has_more_than_there_may_be(pictures, monkeypatch):
    """Collections of a user, pictures of a collection, collections of a picture."""
    monkeypatch.setattr(collections, "MAX_COLLECTIONS", 3)
    made = [collections.create(ME, name) for name in "xyz"]
    with pytest.raises(TooManyCollections):
        collections.create(ME, "w")

    monkeypatch.setattr(collections, "MAX_PICTURES", 2)
    collections.change(ME, made[0].id, add=pictures[:2])
    collections.change(ME, made[0].id, add=pictures[:2])
    for out in ([], pictures[:1]):
        with pytest.raises(CollectionFull):
            collections.change(ME, made[0].id, add=pictures, remove=out)
        assert inside(made[0]) == ["a", "b"]
    collections.change(ME, made[0].id, add=pictures[2:], remove=pictures[:1])
    assert inside(made[0]) == ["b", "c"]
    both = collections.change(ME, made[0].id, add=pictures[:2], remove=pictures[1:])
    assert (both.added, both.removed, both.left_out) == (2, 2, 0)
    assert inside(made[0]) == ["a", "b"]

    monkeypatch.setattr(collections, "MAX_PER_PICTURE", 1)
    left = collections.change(ME, made[1].id, add=pictures[1:])
    assert (left.added, left.left_out) == (1, 1)
    assert inside(made[1]) == ["c"]


def test_picture_that_is_gone_is_in_no_collection(pictures):
    made = collections.create(ME, "x")
    collections.change(ME, made.id, add=pictures)
    shares.share_or_update(ME, pictures[0])
    trash.trash_pictures(ME, pictures[:1])
    assert collections.containing(ME, [made], pictures) == {made.id: 2}

    trash.purge_pictures(ME, pictures[:1])
    purge.empty_trash()

    assert inside(made) == ["b", "c"]
    assert Share.collection().count_documents({}) == 0


def test_export_has_collections_and_shares(pictures):
    """By the names that the files have, and without the secrets of the pages."""
    made = collections.create(ME, "海报")
    collections.change(ME, made.id, add=pictures[:2])
    share = shares.share_or_update(ME, made.id, title="看")

    whole = b"".join(data_export.export(ME, UTC))

    with ZipFile(BytesIO(whole)) as archive:
        told = json.loads(archive.read("collections.json"))
        assert set(told["collections"][0]["pictures"]) < set(archive.namelist())
    (collection,), (shared,) = told["collections"], told["shares"]
    assert (collection["name"], len(collection["pictures"])) == ("海报", 2)
    assert (shared["id"], shared["title"]) == (made.id, "看")
    assert share.secret.encode() not in whole
