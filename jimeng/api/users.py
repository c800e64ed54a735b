"""Users: who has a name here."""

from flask import url_for

from jimeng import auth
from jimeng.accounts import users
from jimeng.api import blp
from jimeng.documents import User
from jimeng.schemas import Nothing, replies
from jimeng.schemas.users import ByEmail, NewUser, UserChanges

A_USER = ("id", "user_id", ["get_user", "update_user", "delete_user"])


@blp.post("/users", tags=["users"])
@blp.arguments(NewUser)
@blp.response(201, replies.UserRecord)
@blp.describe(errors=["email_taken"], always=["Location"], makes=A_USER)
def create_user(params: dict) -> tuple[User, dict]:
    """Create a user; an e-mail belongs to one user, in any letter case."""
    user = users.create(auth.viewer_of_api(), **params)
    location = url_for("api.get_user", user_id=user.id)
    return user, {"Location": location}


@blp.get("/users", tags=["users"])
@blp.arguments(ByEmail, location="query")
@blp.response(200, replies.UserRecord)
@blp.describe(errors=["user_not_found"])
def find_user(query: dict) -> User:
    """Find the user with an e-mail."""
    return users.find_by_email(auth.viewer_of_api(), **query)


@blp.get("/users/<user_id>", tags=["users"])
@blp.response(200, replies.UserRecord)
@blp.describe(errors=["user_not_found"])
def get_user(user_id: str) -> User:
    """Look at a user."""
    return users.find(auth.viewer_of_api(), user_id)


@blp.put("/users/<user_id>", tags=["users"])
@blp.arguments(UserChanges)
@blp.response(200, replies.UserRecord)
@blp.describe(errors=["user_not_found", "email_by_admin", "email_taken"])
def update_user(params: dict, user_id: str) -> User:
    """Change a user's name; an admin changes the e-mail as well."""
    return users.update(auth.viewer_of_api(), user_id, **params)


@blp.delete("/users/<user_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, replies.UserDeleted)
@blp.describe(errors=["user_not_found", "last_admin"])
def delete_user(params: dict, user_id: str) -> dict:
    """
    Remove a user with all tasks and pictures; what runs is cancelled. A key needs the
    scope `account` for its own user, `admin` for others.
    """
    users.delete(auth.viewer_of_api(), user_id)
    return {"id": user_id}
