"""Collections: named sets of a user's pictures."""

from flask import Response, url_for

from jimeng.api import blp
from jimeng.api.pagination import describe_list, page_response
from jimeng.gallery import browsing, collections
from jimeng.gallery.collections import Change, Overview
from jimeng.http import auth
from jimeng.schemas.collections import (
    CollectionChanges,
    CollectionDeleted,
    CollectionRecord,
    MembershipChanged,
    MembershipChanges,
    NewCollection,
)
from jimeng.schemas.fields import Nothing
from jimeng.schemas.pagination import OfCustomers, PageQuery
from jimeng.schemas.tasks import PaidPicture

RECORDS, PICTURES = CollectionRecord(many=True), PaidPicture(many=True)
LINKS = [
    *("get_collection", "rename_collection", "delete_collection"),
    *("change_collection", "list_pictures", "share"),
]


@blp.get("/collections", tags=["collections"])
@blp.arguments(OfCustomers, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["user_not_found"])
def list_collections(query: dict) -> Response:
    """
    List a user's collections, most recently added to first.

    Each has its number of pictures and its newest picture. With `customers=true` also
    those of all customers of the account (see `act_for`). The next page is in `Link`
    and in `next_cursor`.
    """
    page = collections.page(auth.principal_of_api(), **query)
    rows = RECORDS.dump(collections.overview(page.rows))
    return page_response(rows, page.next_cursor)


@blp.post("/collections", tags=["collections"])
@blp.arguments(NewCollection)
@blp.response(201, CollectionRecord)
@blp.describe(
    errors=["user_id_not_yours", "collection_name_taken", "too_many_collections"],
    always=["Location"],
    makes=("id", "collection_id", LINKS[:-1]),
)
def create_collection(params: dict) -> tuple[Overview, dict]:
    """
    Create a collection.

    Names are unique per user, ignoring case; at most 200 collections per user.
    """
    collection = collections.create(auth.principal_of_api(), **params)
    location = url_for("api.get_collection", collection_id=collection.id)
    return collections.overview_of(collection), {"Location": location}


@blp.get("/collections/<collection_id>", tags=["collections"])
@blp.response(200, CollectionRecord)
@blp.describe(errors=["collection_not_found"])
def get_collection(collection_id: str) -> Overview:
    """Get a collection: its name, number of pictures, and newest picture."""
    found = collections.find(auth.principal_of_api(), collection_id)
    return collections.overview_of(found)


@blp.put("/collections/<collection_id>", tags=["collections"])
@blp.arguments(CollectionChanges)
@blp.response(200, CollectionRecord)
@blp.describe(errors=["collection_not_found", "collection_name_taken"])
def rename_collection(params: dict, collection_id: str) -> Overview:
    """Rename a collection."""
    found = collections.rename(auth.principal_of_api(), collection_id, **params)
    return collections.overview_of(found)


@blp.delete("/collections/<collection_id>", tags=["collections"])
@blp.arguments(Nothing)
@blp.response(200, CollectionDeleted)
@blp.describe(errors=["collection_not_found"])
def delete_collection(params: dict, collection_id: str) -> dict:
    """
    Delete a collection. Its pictures are not deleted.

    The page that shares it is removed, too.
    """
    collections.delete(auth.principal_of_api(), collection_id)
    return {"id": collection_id}


@blp.post("/collections/<collection_id>/pictures", tags=["collections"])
@blp.arguments(MembershipChanges)
@blp.response(200, MembershipChanged)
@blp.describe(errors=["collection_not_found", "collection_full"])
def change_collection(params: dict, collection_id: str) -> Change:
    """
    Add pictures to a collection, and remove others.

    `remove` is applied first, then `add`; both are idempotent. Pictures in the trash
    and pictures of other users are ignored. A picture that is in 20 collections
    already is not added, and counted in `left_out`.
    """
    return collections.change(auth.principal_of_api(), collection_id, **params)


@blp.get("/collections/<collection_id>/pictures", tags=["collections"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, PICTURES)
@describe_list(errors=["collection_not_found"])
def list_pictures(query: dict, collection_id: str) -> Response:
    """
    List the pictures of a collection, newest first.

    The next page is in `Link` and in `next_cursor`; every page costs the same.
    """
    found = collections.find(auth.principal_of_api(), collection_id)
    page = browsing.pictures_in(found, **query)
    browsing.set_costs(page.rows)
    return page_response(PICTURES.dump(page.rows), page.next_cursor)
