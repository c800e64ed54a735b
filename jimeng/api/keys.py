"""API keys of a user: make, list, revoke."""

from flask import Response, url_for

from jimeng import accounts, auth
from jimeng.answers import success
from jimeng.api import blp, shapes
from jimeng.i18n import t
from jimeng.schemas import NewKey, Nothing, replies


@blp.post("/users/<user_id>/keys")
@blp.arguments(NewKey)
@blp.response(201, replies.NewKeyRecord)
def create_key(params: dict, user_id: str) -> Response:
    """
    Make an API key for a user; the key itself is in this answer and never again.

    A key may do no more than the one that makes it, and ends no later: `read` looks,
    `write` asks, cancels and deletes as well, `admin` does so for everybody, and only
    an admin has it.
    """
    key, text = accounts.create_key(auth.viewer_of_api(), user_id, **params)
    location = url_for("api.list_keys", user_id=user_id)
    record = {**shapes.key(key), "key": text}
    return success(record, 201, headers={"Location": location})


@blp.get("/users/<user_id>/keys")
@blp.response(200, replies.KeyRecord(many=True))
def list_keys(user_id: str) -> Response:
    """List a user's API keys, newest first: names, beginnings, last use."""
    found = accounts.list_keys(auth.viewer_of_api(), user_id)
    return success([shapes.key(each) for each in found])


@blp.delete("/users/<user_id>/keys/<key_id>")
@blp.arguments(Nothing)
@blp.response(200, replies.KeyRevoked)
def revoke_key(params: dict, user_id: str, key_id: str) -> Response:
    """Revoke an API key: its next use is refused."""
    accounts.revoke_key(auth.viewer_of_api(), user_id, key_id)
    return success({"id": key_id, "message": t("answer.key_revoked")})
