"""Collections: some of a user's pictures under a name."""

from flask import Response, url_for

from jimeng.api import blp
from jimeng.api.pagination import listed, lists
from jimeng.gallery import browsing, collections
from jimeng.gallery.collections import Change, Overview
from jimeng.http import auth
from jimeng.schemas import Nothing
from jimeng.schemas.collections import (
    CollectionChanges,
    CollectionDeleted,
    CollectionRecord,
    MembershipChanged,
    MembershipChanges,
    NewCollection,
)
from jimeng.schemas.pagination import Some, SomeOfUser
from jimeng.schemas.task_responses import Picture

RECORDS, PICTURES = CollectionRecord(many=True), Picture(many=True)
LATER = [
    *("get_collection", "rename_collection", "delete_collection"),
    *("change_collection", "list_pictures", "share"),
]


@blp.get("/collections", tags=["collections"])
@blp.arguments(SomeOfUser, location="query")
@blp.response(200, RECORDS)
@lists(errors=["user_not_found"])
def list_collections(query: dict) -> Response:
    """
    List a user's collections, those that pictures were last put into first.

    Each has its number of pictures, and the newest of them. The next page is in
    `Link` and in `next_cursor`.
    ---
    列出相册

    最近放过图片的在前，各有图片数和最新的一张。下一页在 `Link` 和 `next_cursor` 里。
    """
    principal = auth.principal_of_api()
    query.setdefault("user_id", principal.user_id)
    page = collections.page(principal, **query)
    rows = RECORDS.dump(collections.overview(page.rows))
    return listed(rows, page.next_cursor, "api.list_collections", **query)


@blp.post("/collections", tags=["collections"])
@blp.arguments(NewCollection)
@blp.response(201, CollectionRecord)
@blp.describe(
    errors=["user_id_not_yours", "collection_name_taken", "too_many_collections"],
    always=["Location"],
    makes=("id", "collection_id", LATER[:-1]),
)
def create_collection(params: dict) -> tuple[Overview, dict]:
    """
    Make a collection.

    A user has each name once, in any letter case, and at most 200 collections.
    ---
    新建相册

    同一用户的名称不能重复，不分大小写；最多 200 个。
    """
    made = collections.create(auth.principal_of_api(), **params)
    location = url_for("api.get_collection", collection_id=made.id)
    return collections.overview_of(made), {"Location": location}


@blp.get("/collections/<collection_id>", tags=["collections"])
@blp.response(200, CollectionRecord)
@blp.describe(errors=["collection_not_found"])
def get_collection(collection_id: str) -> Overview:
    """
    Look at a collection: its name, how many pictures, and the newest of them.
    ---
    查看相册

    名称、图片数和最新的一张。
    """
    found = collections.find(auth.principal_of_api(), collection_id)
    return collections.overview_of(found)


@blp.put("/collections/<collection_id>", tags=["collections"])
@blp.arguments(CollectionChanges)
@blp.response(200, CollectionRecord)
@blp.describe(errors=["collection_not_found", "collection_name_taken"])
def rename_collection(params: dict, collection_id: str) -> Overview:
    """
    Give a collection another name.
    ---
    重命名相册
    """
    found = collections.rename(auth.principal_of_api(), collection_id, **params)
    return collections.overview_of(found)


@blp.delete("/collections/<collection_id>", tags=["collections"])
@blp.arguments(Nothing)
@blp.response(200, CollectionDeleted)
@blp.describe(errors=["collection_not_found"])
def delete_collection(params: dict, collection_id: str) -> dict:
    """
    Delete a collection. Its pictures stay, and are in it no longer.

    The page that shares it ends, too.
    ---
    删除相册

    图片都还在，只是不再属于它；它的分享页随之结束。
    """
    collections.delete(auth.principal_of_api(), collection_id)
    return {"id": collection_id}


@blp.post("/collections/<collection_id>/pictures", tags=["collections"])
@blp.arguments(MembershipChanges)
@blp.response(200, MembershipChanged)
@blp.describe(errors=["collection_not_found", "collection_full"])
def change_collection(params: dict, collection_id: str) -> Change:
    """
    Put pictures into a collection, and take others out.

    `remove` comes first, then `add`; twice is as once. Pictures in the trash, and
    those of others, are as if they had never been. A picture that is in 20
    collections is not put into another, and counted in `left_out`.
    ---
    放入和移出图片

    先移出 `remove`，再放入 `add`，重复也无妨。回收站里的、别人的图片当作没有。已经属
    于 20 个相册的图片不再放入，算在 `left_out` 里。
    """
    return collections.change(auth.principal_of_api(), collection_id, **params)


@blp.get("/collections/<collection_id>/pictures", tags=["collections"])
@blp.arguments(Some, location="query")
@blp.response(200, PICTURES)
@lists(errors=["collection_not_found"])
def list_pictures(query: dict, collection_id: str) -> Response:
    """
    List the pictures of a collection, newest first.

    The next page is in `Link` and in `next_cursor`; a page deep down costs no more
    than the first.
    ---
    列出相册的图片

    最新的在前。下一页在 `Link` 和 `next_cursor` 里；再深的页也一样快。
    """
    found = collections.find(auth.principal_of_api(), collection_id)
    page = browsing.pictures_in(found, **query)
    where = {"endpoint": "api.list_pictures", "collection_id": collection_id}
    return listed(PICTURES.dump(page.rows), page.next_cursor, **where, **query)
