"""Users and their API keys."""

from flask import Response, url_for

from jimeng import accounts
from jimeng.accounts import users
from jimeng.api import blp
from jimeng.api.pagination import page_response
from jimeng.documents import ApiKey, User
from jimeng.errors.access import UserNotFound
from jimeng.http import auth
from jimeng.http.responses import success
from jimeng.limits import usage
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
    """
    Create a user; e-mail addresses are unique, ignoring case.
    ---
    创建用户

    邮箱不分大小写，一个邮箱只属于一个用户。
    """
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
    ---
    按邮箱查找用户，或列出全部

    带 `email` 时，`data` 是这一个用户。不带时是全部用户的列表，最新的在前，仅管理员可
    用；下一页在 `Link` 和 `next_cursor` 里。
    """
    principal = auth.principal_of_api()
    if "email" in query:
        found = users.find_by_email(principal, query["email"])
        return success(RECORD.dump(found))
    page = users.page(principal, **query)
    rows = RECORD.dump(page.rows, many=True)
    return page_response(rows, page.next_cursor)


@blp.get("/users/<user_id>", tags=["users"])
@blp.response(200, responses.UserRecord)
@blp.describe(errors=["user_not_found"])
def get_user(user_id: str) -> User:
    """
    Get a user.
    ---
    查看用户
    """
    return users.find(auth.principal_of_api(), user_id)


@blp.put("/users/<user_id>", tags=["users"])
@blp.arguments(UserChanges)
@blp.response(200, responses.UserRecord)
@blp.describe(errors=["user_not_found", "email_by_admin", "email_taken", "admins_only"])
def update_user(params: dict, user_id: str) -> User:
    """
    Change a user's name; admins can change the e-mail and the budgets, too.

    A budget takes effect within seconds; `null` restores the server's default, and 0
    allows nothing.
    ---
    修改用户

    名称；邮箱和预算只有管理员能改。预算几秒之内生效；`null` 恢复默认，0 表示不许花钱。
    """
    return users.update(auth.principal_of_api(), user_id, **params)


@blp.delete("/users/<user_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, responses.UserDeleted)
@blp.describe(errors=["user_not_found", "last_admin"])
def delete_user(params: dict, user_id: str) -> dict:
    """
    Delete a user with all tasks and pictures; running tasks are cancelled. A key needs
    the scope `account` for its own user, `admin` for others.
    ---
    删除用户

    任务和图片一并删除，正在运行的先取消。密钥要有 `account` 权限才能删除自己的用户，
    删除别人的要有 `admin`。
    """
    users.delete(auth.principal_of_api(), user_id)
    return {"id": user_id}


@blp.get("/users/<user_id>/usage", tags=["users"])
@blp.arguments(Span, location="query")
@blp.response(200, UsageRecord)
@blp.describe(errors=["user_not_found"])
def show_usage(query: dict, user_id: str) -> dict:
    """
    Get a user's usage: pictures by day, model and outcome.

    Days are in UTC; `from` and `to` are inclusive, at most 366 days; by default the
    last 30. Each picture of a task counts separately, on the day on which it ended,
    including deleted ones. `charged` is how many of them the provider has charged, as
    far as is known. While a long history is counted for the first time, `complete` is
    false and days are missing.
    ---
    查看用户的用量

    按天（UTC）、模型和结果列出图片数，以及其中计费的多少。`from` 和 `to` 都包含在内，
    最多 366 天，不写则是最近 30 天。图片算在它结束的那一天，任务里的每张分别计，删除
    了的也算。很长的历史在第一次清点完之前，`complete` 为 false，有些日子还没有列出。
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
@blp.describe(errors=["user_not_found"], always=["Location"])
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
    (`api` is everything under /api/, `openai` under /v1/, `mcp` is /mcp), to some
    models, and to fewer tasks a minute or pictures a day than its user has.
    ---
    创建 API 密钥

    密钥只在这个回答里出现一次。新密钥的权限不能超过创建它的密钥，也不会更晚失效：
    `read` 只能查看，`write` 还能创建、取消和删除，`act_for` 还能代表 id
    以 `user_prefix` 开头的用户（如网店的客户，不必有用户记录），只有管理员能给，
    `account` 还能创建密钥、删除账号，`admin` 对所有人有效，只有管理员才有。创建密钥
    要用带 `account` 或 `admin` 的密钥，或在账号页面上创建。

    没有 `account` 和 `admin` 的密钥可以进一步限制：只能从某些入口使用（`api` 是
    /api/ 下的一切，`openai` 是 /v1/，`mcp` 是 /mcp），只能用某些模型，每分钟的任务或
    每天的图片比用户的少。
    """
    key = accounts.create_key(auth.principal_of_api(), user_id, **params)
    return key, {"Location": url_for("api.list_keys", user_id=user_id)}


@blp.get("/users/<user_id>/keys", tags=["users"])
@blp.response(200, responses.KeyRecord(many=True))
@blp.describe(errors=["user_not_found"])
def list_keys(user_id: str) -> list[ApiKey]:
    """
    List a user's API keys, newest first: names, prefixes, last use.
    ---
    列出用户的 API 密钥

    最新的在前：名称、开头几个字符、最近一次使用。
    """
    return accounts.list_keys(auth.principal_of_api(), user_id)


@blp.put("/users/<user_id>/keys/<key_id>", tags=["users"])
@blp.arguments(KeyChanges)
@blp.response(200, responses.KeyRecord)
@blp.describe(errors=["user_not_found", "api_key_not_found"])
def update_key(params: dict, user_id: str, key_id: str) -> ApiKey:
    """
    Change the budgets of an API key.

    A budget takes effect with the next request, and what was spent before counts;
    `null` removes it, so that only the user's applies. It takes a key with `account` or
    `admin`, as creating one does; a key with these scopes cannot be limited.
    ---
    修改 API 密钥的预算

    下一个请求起生效，之前花的也算；`null` 取消预算，只受用户的限制。和创建密钥一样，要
    用带 `account` 或 `admin` 的密钥；带这些权限的密钥自己不能限制。
    """
    return accounts.change_budgets(auth.principal_of_api(), user_id, key_id, **params)


@blp.delete("/users/<user_id>/keys/<key_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, responses.KeyRevoked)
@blp.describe(errors=["user_not_found", "api_key_not_found"])
def revoke_key(params: dict, user_id: str, key_id: str) -> dict:
    """
    Revoke an API key; requests with it are refused from now on.
    ---
    撤销 API 密钥

    此后用它的请求都会被拒绝。
    """
    accounts.revoke_key(auth.principal_of_api(), user_id, key_id)
    return {"id": key_id}
