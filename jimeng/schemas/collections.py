"""Schemas of requests and responses: collections and shares."""

from typing import ClassVar

from jimeng.gallery.collections import MAX_AT_ONCE, MAX_NAME_CHARS
from jimeng.gallery.shares import MAX_TITLE_CHARS, ShareOverview
from jimeng.http.responses import absolute, path_for
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    HOST,
    Boolean,
    Changes,
    DateTime,
    Length,
    NestedReply,
    OfUser,
    Reply,
    Strict,
    StringList,
    Text,
    Trimmed,
    address,
    boolean,
    count,
    fixed,
    instant,
    nested,
    text,
)
from jimeng.schemas.tasks import TASK, Picture

COLLECTION = "collection_3f9a1c5b7d20e46a8c1b9f02"


class CollectionChanges(Strict):
    """``PUT /api/v1/collections/<id>``."""

    examples: ClassVar = {"usual": {"name": "春季海报"}}
    name = Trimmed(
        field_descriptions.SHORT_NAME, required=True, validate=Length(1, MAX_NAME_CHARS)
    )


class NewCollection(OfUser, CollectionChanges):
    """``POST /api/v1/collections``."""

    examples: ClassVar = {"usual": {"name": "海报素材", "user_id": "user_123"}}


class MembershipChanges(Changes):
    """``POST /api/v1/collections/<id>/pictures``."""

    examples: ClassVar = {
        "in": {"add": [f"{TASK}_0", f"{TASK}_1"]},
        "both": {"add": [f"{TASK}_0"], "remove": [f"{TASK}_1"]},
    }
    add = StringList(
        "Ids of the pictures to add",
        each=Text(validate=Length(1, 100)),
        validate=Length(0, MAX_AT_ONCE),
    )
    remove = StringList(
        "Ids of the pictures to remove",
        each=Text(validate=Length(1, 100)),
        validate=Length(0, MAX_AT_ONCE),
    )


class SharePage(Strict):
    """``PUT /api/v1/shares/<id>``: omitted fields stay unchanged."""

    body_is_optional: ClassVar = True
    examples: ClassVar = {
        "shortest": {},
        "usual": {"title": "给小林看的", "prompts": True},
        "for_a_while": {"expires_at": "2100-01-01T00:00:00Z"},
    }
    title = Trimmed(
        "The page's title, at most 100 characters; if empty, the collection's name",
        validate=Length(0, MAX_TITLE_CHARS),
    )
    prompts = Boolean(field_descriptions.SHOWS_PROMPTS)
    expires_at = DateTime(
        "When it expires (RFC 3339); null for never",
        allow_none=True,
    )


class CollectionRecord(NestedReply):
    inner = "collection"

    id = text(field_descriptions.ID, example=COLLECTION)
    user_id = text("The user whose it is", example="user_123")
    name = text(field_descriptions.NAME, example="海报素材")
    pictures = count(
        "Number of pictures outside the trash, counted up to 1,000",
        of=lambda found: found.hits.n,
        example=12,
    )
    more_pictures = boolean(
        "Whether there are more than that",
        of=lambda found: found.hits.more,
        example=False,
    )
    cover = nested(
        "The newest picture, or null",
        Picture,
        null=True,
        example=...,
    )
    created_at = instant(field_descriptions.CREATED_AT)
    updated_at = instant(field_descriptions.UPDATED_AT)


class CollectionDeleted(Reply):
    id = text(field_descriptions.ID, example=COLLECTION)
    message = fixed("answer.collection_deleted")


class MembershipChanged(Reply):
    added = count("How many were added", example=1)
    removed = count("How many were removed")
    left_out = count(
        "How many were not added, because they are in 20 collections already",
    )


def page_url(found: ShareOverview) -> str:
    return absolute(path_for("web.shared", token=found.share.token))


class ShareRecord(NestedReply):
    """A share as its owner sees it."""

    inner = "share"

    id = text(
        "The id of the collection or of the picture that is shared",
        example=COLLECTION,
    )
    kind = text(
        "Whether a collection or a picture is shared",
        choices=("collection", "picture"),
    )
    url = address(
        "The page's URL: anybody who has it can see the page",
        of=page_url,
        example=f"{HOST}/s/q2xVn0bXyG7tD5m4JcLr9A",
    )
    title = text(
        "The page's title; by default the collection's name, or empty",
        example="海报素材",
    )
    prompts = boolean(field_descriptions.SHOWS_PROMPTS, example=False)
    created_at = instant(field_descriptions.CREATED_AT)
    expires_at = instant(
        "When it expires; null for never",
        null=True,
    )
    ended = boolean("Whether its time is over", example=False)


class ShareEnded(Reply):
    id = text(field_descriptions.ID, example=COLLECTION)
    message = fixed("answer.share_ended")
