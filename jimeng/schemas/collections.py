"""The shapes of collections and shares: what is asked, and what is answered."""

from typing import ClassVar

from jimeng.collections import LONGEST_NAME, MOST_AT_ONCE
from jimeng.http.answers import absolute, path_for
from jimeng.schemas import Changes, OfUser, Strict
from jimeng.schemas.fields import (
    Flag,
    Long,
    Many,
    Moment,
    Text,
    Texts,
    Trimmed,
)
from jimeng.schemas.kinds import (
    HOST,
    Reply,
    Within,
    a,
    address,
    count,
    fixed,
    flag,
    instant,
    one_of,
    text,
)
from jimeng.schemas.task_replies import TASK, Picture
from jimeng.sharing import LONGEST_TITLE, Listed

COLLECTION = "collection_3f9a1c5b7d20e46a8c1b9f02"


class CollectionChanges(Strict):
    """``PUT /api/v1/collections/<id>``."""

    examples: ClassVar = {"usual": {"name": "春季海报"}}
    name = Trimmed(required=True, validate=Long(1, LONGEST_NAME))


class NewCollection(OfUser, CollectionChanges):
    """``POST /api/v1/collections``."""

    examples: ClassVar = {"usual": {"name": "海报素材", "user_id": "user_123"}}


class MembershipChanges(Changes):
    """``POST /api/v1/collections/<id>/pictures``."""

    examples: ClassVar = {
        "in": {"add": [f"{TASK}_0", f"{TASK}_1"]},
        "both": {"add": [f"{TASK}_0"], "remove": [f"{TASK}_1"]},
    }
    add = Texts(Text(validate=Long(1, 100)), validate=Many(0, MOST_AT_ONCE))
    remove = Texts(Text(validate=Long(1, 100)), validate=Many(0, MOST_AT_ONCE))


class SharePage(Strict):
    """``PUT /api/v1/shares/<id>``: what is left out stays as it is."""

    may_be_left_out: ClassVar = True
    examples: ClassVar = {
        "shortest": {},
        "usual": {"title": "给小林看的", "prompts": True},
        "for_a_while": {"expires_at": "2100-01-01T00:00:00Z"},
    }
    title = Trimmed(validate=Long(0, LONGEST_TITLE))
    prompts = Flag()
    expires_at = Moment(allow_none=True)


class CollectionRecord(Within):
    inner = "collection"

    id = text(example=COLLECTION)
    name = text(example="海报素材")
    pictures = count(lambda found: found.hits.n, example=12)
    more_pictures = flag(lambda found: found.hits.more, example=False)
    cover = a(Picture, null=True, example=...)
    created_at = instant()
    updated_at = instant()


class CollectionDeleted(Reply):
    id = text(example=COLLECTION)
    message = fixed("answer.collection_deleted")


class MembershipChanged(Reply):
    added = count(example=1)
    removed = count()
    left_out = count()


def page_url(found: Listed) -> str:
    return absolute(path_for("web.shared", token=found.share.token))


class ShareRecord(Within):
    """What is shared, as its owner sees it."""

    inner = "share"

    id = text(example=COLLECTION)
    kind = one_of("collection", "picture")
    url = address(page_url, example=f"{HOST}/s/q2xVn0bXyG7tD5m4JcLr9A")
    title = text(example="海报素材")
    prompts = flag(example=False)
    created_at = instant()
    expires_at = instant(null=True)
    ended = flag(example=False)


class ShareEnded(Reply):
    id = text(example=COLLECTION)
    message = fixed("answer.share_ended")
