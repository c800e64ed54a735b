"""Users: who has a name here."""

from flask import Response, url_for

from jimeng import auth
from jimeng.accounts import users
from jimeng.answers import success
from jimeng.api import blp, shapes
from jimeng.i18n import t
from jimeng.schemas import ByEmail, NewUser, Nothing, UserChanges, replies


@blp.post("/users")
@blp.arguments(NewUser)
@blp.response(201, replies.UserRecord)
def create_user(params: dict) -> Response:
    """Create a user; an e-mail belongs to one user, in any letter case."""
    user = users.create(auth.viewer_of_api(), **params)
    location = url_for("api.get_user", user_id=user.id)
    return success(shapes.user(user), 201, headers={"Location": location})


@blp.get("/users")
@blp.arguments(ByEmail, location="query")
@blp.response(200, replies.UserRecord)
def find_user(query: dict) -> Response:
    """Find the user with an e-mail."""
    return success(shapes.user(users.find_by_email(auth.viewer_of_api(), **query)))


@blp.get("/users/<user_id>")
@blp.response(200, replies.UserRecord)
def get_user(user_id: str) -> Response:
    """Look at a user."""
    return success(shapes.user(users.find(auth.viewer_of_api(), user_id)))


@blp.put("/users/<user_id>")
@blp.arguments(UserChanges)
@blp.response(200, replies.UserRecord)
def update_user(params: dict, user_id: str) -> Response:
    """Change a user's e-mail, name, or both."""
    return success(shapes.user(users.update(auth.viewer_of_api(), user_id, **params)))


@blp.delete("/users/<user_id>")
@blp.arguments(Nothing)
@blp.response(200, replies.UserDeleted)
def delete_user(params: dict, user_id: str) -> Response:
    """Remove a user with all tasks and pictures; what runs is cancelled."""
    users.delete(auth.viewer_of_api(), user_id)
    return success({"id": user_id, "message": t("answer.user_deleted")})
