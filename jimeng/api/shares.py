"""Shares: public pages of collections and pictures, by secret link."""

from flask import Response

from jimeng.api import blp
from jimeng.api.pagination import describe_list, page_response
from jimeng.gallery import shares
from jimeng.gallery.shares import ShareOverview
from jimeng.http import auth
from jimeng.schemas.collections import ShareEnded, SharePage, ShareRecord
from jimeng.schemas.fields import Nothing
from jimeng.schemas.pagination import UserPageQuery

RECORDS = ShareRecord(many=True)


@blp.get("/shares", tags=["collections"])
@blp.arguments(UserPageQuery, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["user_not_found"])
def list_shares(query: dict) -> Response:
    """List a user's shares, newest first: the links, and what they show."""
    principal = auth.principal_of_api()
    query.setdefault("user_id", principal.user_id)
    page = shares.page(principal, **query)
    rows = RECORDS.dump(page.rows)
    return page_response(rows, page.next_cursor)


@blp.get("/shares/<share_id>", tags=["collections"])
@blp.response(200, ShareRecord)
@blp.describe(errors=["share_not_found"])
def get_share(share_id: str) -> ShareOverview:
    """Get a share; its id is that of the collection or picture that it shows."""
    return shares.find_overview(auth.principal_of_api(), share_id)


@blp.put("/shares/<share_id>", tags=["collections"])
@blp.arguments(SharePage)
@blp.response(200, ShareRecord)
@blp.describe(errors=["collection_not_found", "image_not_found", "too_many_shares"])
def share(params: dict, share_id: str) -> ShareOverview:
    """
    Share a collection or a picture on a page of its own.

    `share_id` is the id of the collection or of the picture; if that is shared
    already, the given fields are changed. Anybody with the link sees, without signing
    in, the title, the pictures, and their prompts if `prompts` is true; nothing else.
    Pictures in the trash and deleted pictures disappear from it.
    """
    principal = auth.principal_of_api()
    share = shares.share_or_update(principal, share_id, **params)
    return shares.find_overview(principal, share.id)


@blp.post("/shares/<share_id>/replace", tags=["collections"])
@blp.arguments(Nothing)
@blp.response(200, ShareRecord)
@blp.describe(errors=["share_not_found"])
def replace_share(params: dict, share_id: str) -> ShareOverview:
    """
    Replace a share's link.

    The old link stops working at once, and so do the URLs of its pictures.
    """
    principal = auth.principal_of_api()
    return shares.find_overview(principal, shares.replace_link(principal, share_id).id)


@blp.delete("/shares/<share_id>", tags=["collections"])
@blp.arguments(Nothing)
@blp.response(200, ShareEnded)
@blp.describe(errors=["share_not_found"])
def end_share(params: dict, share_id: str) -> dict:
    """Stop sharing: the link stops working at once; nothing else changes."""
    shares.revoke(auth.principal_of_api(), share_id)
    return {"id": share_id}
