"""API keys of a user: make, list, revoke."""

from flask import url_for

from jimeng import accounts, auth
from jimeng.api import blp
from jimeng.documents import ApiKey
from jimeng.schemas import Nothing, replies
from jimeng.schemas.users import NewKey


@blp.post("/users/<user_id>/keys", tags=["users"])
@blp.arguments(NewKey)
@blp.response(201, replies.NewKeyRecord)
@blp.describe(errors=["user_not_found"], always=["Location"])
def create_key(params: dict, user_id: str) -> tuple[tuple[ApiKey, str], dict]:
    """
    Make an API key for a user; the key itself is in this answer and never again.

    A key may do no more than the one that makes it, and ends no later: `read` looks,
    `write` asks, cancels and deletes as well, `account` makes keys and removes the
    account, `admin` does all of it for everybody, and only an admin has it. To make a
    key another with `account` or `admin` is needed, or the account page.

    A key that only reads and writes may be limited further: to some of the doors
    (`api` is everything under /api/, `openai` under /v1/, `mcp` is /mcp), to some
    models, and to fewer tasks a minute or pictures a day than its user has.
    ---
    创建 API 密钥

    密钥只在这个回答里出现一次。新密钥的权限不能超过创建它的密钥，也不会更晚失效：
    `read` 只能查看，`write` 还能创建、取消和删除，`account` 还能创建密钥、删除账号，
    `admin` 对所有人有效，只有管理员才有。创建密钥要用带 `account` 或 `admin` 的密钥，
    或在账号页面上创建。

    只有 `read` 和 `write` 的密钥可以进一步限制：只能从某些入口使用（`api` 是 /api/ 下
    的一切，`openai` 是 /v1/，`mcp` 是 /mcp），只能用某些模型，每分钟的任务或每天的图片
    比用户的少。
    """
    made = accounts.create_key(auth.viewer_of_api(), user_id, **params)
    return made, {"Location": url_for("api.list_keys", user_id=user_id)}


@blp.get("/users/<user_id>/keys", tags=["users"])
@blp.response(200, replies.KeyRecord(many=True))
@blp.describe(errors=["user_not_found"])
def list_keys(user_id: str) -> list[ApiKey]:
    """
    List a user's API keys, newest first: names, beginnings, last use.
    ---
    列出用户的 API 密钥

    最新的在前：名称、开头几个字符、最近一次使用。
    """
    return accounts.list_keys(auth.viewer_of_api(), user_id)


@blp.delete("/users/<user_id>/keys/<key_id>", tags=["users"])
@blp.arguments(Nothing)
@blp.response(200, replies.KeyRevoked)
@blp.describe(errors=["user_not_found", "api_key_not_found"])
def revoke_key(params: dict, user_id: str, key_id: str) -> dict:
    """
    Revoke an API key: its next use is refused.
    ---
    撤销 API 密钥

    此后用它的请求都会被拒绝。
    """
    accounts.revoke_key(auth.viewer_of_api(), user_id, key_id)
    return {"id": key_id}
