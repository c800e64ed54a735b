"""Users and their API keys."""

from flask import Response, url_for

from jimeng import accounts
from jimeng.accounts import customers, users
from jimeng.accounts.customers import CustomerView
from jimeng.api import blp
from jimeng.api.pagination import page_response
from jimeng.billing import usage
from jimeng.documents import ApiKey, User
from jimeng.documents.customer import is_customer
from jimeng.errors.access import UserNotFound
from jimeng.http import auth
from jimeng.http.responses import success
from jimeng.schemas import responses
from jimeng.schemas.fields import USER_ID, Nothing
from jimeng.schemas.usage import Span, UsageRecord, span
from jimeng.schemas.users import KeyChanges, NewKey, NewUser, OfUsers, UserChanges

RECORD = responses.UserRecord()
A_USER = ("id", "user_id", ["get_user", "update_user", "delete_user"])


@blp.post("/users", tags=["users"])
@blp.arguments(NewUser)
@blp.response(201, responses.UserRecord)
@blp.describe(errors=["email_taken"], always=["Location"], makes=A_USER)
def create_user(params: dict) -> tuple[User, dict]:
    """Create a user; e-mail addresses are unique, ignoring case."""
    user = users.create(auth.principal_of_api(), **params)
    location = url_for("api.get_user", user_id=user.id)
    return user, {"Location": location}


@blp.get("/users", tags=["users"])
@blp.arguments(OfUsers, location="query")
@blp.response(200, responses.UserRecord)
@blp.describe(
    errors=["user_not_found", "admins_only"],
    headers=["Link"],
    or_list=True,
)
def find_users(query: dict) -> Response:
    """
    Find a user by e-mail, or list all users.

    With `email`, `data` is that user. Without, it is a list of all users, newest
    first, for admins only; the next page is in `Link` and in `next_cursor`.
    """
    principal = auth.principal_of_api()
    if "email" in query:
        found = users.find_by_email(principal, query["email"])
        return success(RECORD.dump(found))
    page = users.page(principal, **query)
    rows = RECORD.dump(page.rows, many=True)
    return page_response(rows, page.next_cursor)


@blp.get("/users/<user_id>", tags=["users"])
@blp.response(200, responses.UserWithBudgets)
@blp.describe(errors=["user_not_found"])
def get_user(user_id: str) -> User | CustomerView:
    """Get a user, or a customer's limits, and what remains of the budgets."""
    principal = auth.principal_of_api()
    if is_customer(user_id):
        return customers.find(principal, user_id)
    return users.find(principal, user_id)


@blp.put("/users/<user_id>", tags=["users"])
@blp.arguments(UserChanges)
@blp.response(200, responses.UserRecord)
@blp.describe(errors=["user_not_found", "email_by_admin", "email_taken", "admins_only"])
def update_user(params: dict, user_id: str) -> User | CustomerView:
    """
    Change a user's name; admins can change the e-mail and the budgets, too.

    A budget takes effect within seconds; `null` restores the server's default, and 0
    allows nothing.

    A customer of a shop, who has no user record, has limits alone. Those that an admin
    sets replace the server's defaults; those of the shop (by a key that acts for the
    customer, or by one with `account`) apply in addition. They outlive the customer's
    deletion.
    """
    principal = auth.principal_of_api()
    if is_customer(user_id):
        return customers.set_limits(principal, user_id, **params)
    customers.reject_limits(params)
    return users.update(principal, user_id, **params)


@blp.delete("/users/<user_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, responses.UserDeleted)
@blp.describe(errors=["user_not_found", "last_admin"])
def delete_user(params: dict, user_id: str) -> dict:
    """
    Delete a user with all tasks and pictures; running tasks are cancelled. A key needs
    the scope `account` for its own user, `admin` for others. A customer of a shop, who
    has no user record, is deleted by a key with `act_for` that acts for them, or by one
    of the shop's with `account`: tasks, pictures, uploads, batches, webhooks, shares.
    """
    remove = customers.delete if is_customer(user_id) else users.delete
    remove(auth.principal_of_api(), user_id)
    return {"id": user_id}


@blp.get("/users/<user_id>/usage", tags=["users"])
@blp.arguments(Span, location="query")
@blp.response(200, UsageRecord)
@blp.describe(errors=["user_not_found"])
def show_usage(query: dict, user_id: str) -> dict:
    """
    Get a user's usage: pictures by day, model and outcome.

    Days are in the server's billing time zone; `from` and `to` are inclusive, at most
    366 days; by default the last 30. Each picture of a task that has ended counts
    separately, on the day of its request, including deleted ones. `charged` is how many
    of them the provider has charged, as far as is known. For a while after an upgrade
    `complete` is false: not all that ended before is counted yet.
    """
    principal = auth.principal_of_api()
    if not USER_ID.fullmatch(user_id):
        raise UserNotFound("an id that nobody can have")
    since, until = span(**query)
    found = usage.by_day(principal, user_id, since=since, until=until)
    return {"user_id": user_id, "since": since, "until": until, **vars(found)}


@blp.post("/users/<user_id>/keys", tags=["users"])
@blp.arguments(NewKey)
@blp.response(201, responses.NewKeyRecord)
@blp.describe(errors=["user_not_found", "admins_only"], always=["Location"])
def create_key(params: dict, user_id: str) -> tuple[tuple[ApiKey, str], dict]:
    """
    Create an API key for a user; the key itself is only in this response.

    A key cannot have more scopes than the one that creates it, nor expire later:
    `read` only reads, `write` also creates, cancels and deletes, `act_for` does the
    same for users whose ids begin with `user_prefix` (such as a shop's customers, who
    need no user record) and is only granted by admins, `account` also creates keys and
    deletes the account, `admin` does all of this for all users, and only admins have
    it. Creating a key takes a key with `account` or `admin`, or the account page.

    A key without `account` and `admin` may be limited further: to some interfaces
    (`api` is everything under /api/v1/, `openai` under /v1/, `ark` under /api/v3/,
    `mcp` is /mcp), to some models, and to fewer tasks a minute or pictures a day than
    its user has.
    """
    key = accounts.create_key(auth.principal_of_api(), user_id, **params)
    return key, {"Location": url_for("api.list_keys", user_id=user_id)}


@blp.get("/users/<user_id>/keys", tags=["users"])
@blp.response(200, responses.KeyRecord(many=True))
@blp.describe(errors=["user_not_found"])
def list_keys(user_id: str) -> list[ApiKey]:
    """List a user's API keys, newest first: names, prefixes, last use."""
    return accounts.list_keys(auth.principal_of_api(), user_id)


@blp.put("/users/<user_id>/keys/<key_id>", tags=["users"])
@blp.arguments(KeyChanges)
@blp.response(200, responses.KeyRecord)
@blp.describe(errors=["user_not_found", "api_key_not_found", "admins_only"])
def update_key(params: dict, user_id: str, key_id: str) -> ApiKey:
    """
    Change the limits of an API key.

    A limit takes effect with the next request, and what was done and spent before
    counts; `null` removes it, so that only the user's applies. It takes a key with
    `account` or `admin`, as creating one does; a key with these scopes cannot be
    limited.
    """
    return accounts.change_limits(auth.principal_of_api(), user_id, key_id, **params)


@blp.delete("/users/<user_id>/keys/<key_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, responses.KeyRevoked)
@blp.describe(errors=["user_not_found", "api_key_not_found"])
def revoke_key(params: dict, user_id: str, key_id: str) -> dict:
    """Revoke an API key; requests with it are refused from now on."""
    accounts.revoke_key(auth.principal_of_api(), user_id, key_id)
    return {"id": key_id}
