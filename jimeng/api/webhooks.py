"""Webhooks: a user's endpoints, secrets and deliveries."""

from flask import Response, url_for

from jimeng.accounts import webhooks
from jimeng.accounts.webhooks import NewWebhook
from jimeng.api import blp
from jimeng.api.pagination import describe_list, page_response
from jimeng.documents import WebhookEndpoint
from jimeng.http import auth
from jimeng.http.responses import success
from jimeng.schemas.fields import Nothing, OfUser
from jimeng.schemas.webhooks import (
    DeliveriesQuery,
    DeliveryRecord,
    EndpointChanges,
    EndpointDeleted,
    EndpointRecord,
    NewEndpoint,
    NewEndpointRecord,
    Replayed,
    ReplaySince,
    SecretRecord,
)

RECORD, RECORDS = EndpointRecord(), DeliveryRecord(many=True)
DELIVERY, SECRET = DeliveryRecord(), SecretRecord()
LATER = [
    *("get_webhook", "change_webhook", "delete_webhook", "rotate_webhook"),
    *("test_webhook", "list_deliveries", "replay_deliveries"),
]


def with_secret(found: tuple[WebhookEndpoint, str]) -> dict:
    endpoint, secret = found
    return {**RECORD.dump(endpoint), "secret": secret}


@blp.get("/webhooks", tags=["webhooks"])
@blp.arguments(OfUser, location="query")
@blp.response(200, EndpointRecord(many=True))
@blp.describe(errors=["user_not_found"])
def list_webhooks(query: dict) -> list[WebhookEndpoint]:
    """
    List a user's endpoints, newest first: at most 20, in one page.
    ---
    列出回调地址

    最新的在前；最多 20 个，一次全部给出。
    """
    return webhooks.find_all(auth.principal_of_api(), **query)


@blp.post("/webhooks", tags=["webhooks"])
@blp.arguments(NewEndpoint)
@blp.response(201, NewEndpointRecord)
@blp.describe(
    errors=["user_id_not_yours", "too_many_webhooks", "webhooks_off"],
    always=["Location"],
    makes=("id", "webhook_id", LATER),
)
def create_webhook(params: dict) -> Response:
    """
    Create an endpoint for a user's events, signed by Standard Webhooks 1.0.

    Events of tasks created from now on are delivered at least once: attempts are
    repeated until the receiver answers with a 2xx. `secret` is only shown here. Without
    `events` all are sent. docs/webhooks.en.md shows how to verify them.
    ---
    创建回调地址

    此后创建的任务结束时，向这个地址发送事件，按 Standard Webhooks 1.0 签名，直到接收方
    回答 2xx；至少一次。`secret` 只在这个回答里出现一次。不写 `events` 就是全部事件。
    docs/webhooks.md 说明怎样验证。
    """
    user_id = params.pop("user_id", None)
    created = webhooks.create(auth.principal_of_api(), NewWebhook(**params), user_id)
    location = url_for("api.get_webhook", webhook_id=created[0].id)
    return success(with_secret(created), 201, headers={"Location": location})


@blp.get("/webhooks/secret", tags=["webhooks"])
@blp.arguments(OfUser, location="query")
@blp.response(200, SecretRecord)
@blp.describe(errors=["user_not_found", "webhooks_off"])
def get_webhook_secret(query: dict) -> Response:
    """
    Get the secret that signs events sent to the `webhook_url` of a single task.

    Its `id` works like an endpoint's for the log, replays and rotation. A key that only
    reads is refused.
    ---
    查看默认的签名密钥

    它给单个任务的 `webhook_url` 签名。这里的 `id` 可以像回调地址的 id 一样，用来查看
    投递、补发和轮换。只读的密钥会被拒绝。
    """
    endpoint, secret = webhooks.default_secret(auth.principal_of_api(), **query)
    return success({**SECRET.dump(endpoint), "secret": secret})


@blp.get("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.response(200, EndpointRecord)
@blp.describe(errors=["webhook_not_found"])
def get_webhook(webhook_id: str) -> WebhookEndpoint:
    """
    Get an endpoint.
    ---
    查看回调地址
    """
    return webhooks.find(auth.principal_of_api(), webhook_id)


@blp.patch("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.arguments(EndpointChanges)
@blp.response(200, EndpointRecord)
@blp.describe(errors=["webhook_not_found", "webhooks_off"])
def change_webhook(params: dict, webhook_id: str) -> WebhookEndpoint:
    """
    Change an endpoint, disable it, or enable it again.

    Omitted fields stay unchanged. Pending deliveries go to the new address.
    ---
    修改回调地址

    也用来停用，或在自动停用之后恢复。没写的不变；还没送达的会发到新地址。
    """
    return webhooks.change(auth.principal_of_api(), webhook_id, params)


@blp.delete("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(200, EndpointDeleted)
@blp.describe(errors=["webhook_not_found"])
def delete_webhook(params: dict, webhook_id: str) -> dict:
    """
    Delete an endpoint; its pending deliveries and its log are deleted, too.
    ---
    删除回调地址

    还没送达的不再发送，投递记录也一起删除。
    """
    webhooks.delete(auth.principal_of_api(), webhook_id)
    return {"id": webhook_id}


@blp.post("/webhooks/<webhook:webhook_id>/rotate", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(200, NewEndpointRecord)
@blp.describe(errors=["webhook_not_found", "webhooks_off"])
def rotate_webhook(params: dict, webhook_id: str) -> Response:
    """
    Rotate an endpoint's secret. For 24 hours both secrets sign.
    ---
    轮换签名密钥

    24 小时内新旧两个密钥都签名。
    """
    return success(with_secret(webhooks.rotate(auth.principal_of_api(), webhook_id)))


@blp.post("/webhooks/<webhook:webhook_id>/test", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(202, DeliveryRecord)
@blp.describe(errors=["webhook_not_found", "webhook_disabled", "webhooks_off"])
def test_webhook(params: dict, webhook_id: str) -> Response:
    """
    Send a `test.ping`, once; what came of it stands in the list of deliveries.
    ---
    发送测试事件

    发送一次 `test.ping`；结果在投递列表里。
    """
    created = webhooks.test(auth.principal_of_api(), webhook_id)
    return success(DELIVERY.dump(created), 202)


@blp.get("/webhooks/<webhook:webhook_id>/deliveries", tags=["webhooks"])
@blp.arguments(DeliveriesQuery, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["webhook_not_found"])
def list_deliveries(query: dict, webhook_id: str) -> Response:
    """
    List what was sent to an endpoint, newest first, with the result of each attempt.

    Finished deliveries are stored for 30 days.
    ---
    列出投递

    最新的在前，每次尝试都用文字说明。结束的保留 30 天。
    """
    page = webhooks.deliveries(auth.principal_of_api(), webhook_id, **query)
    return page_response(RECORDS.dump(page.rows), page.next_cursor)


@blp.post(
    "/webhooks/<webhook:webhook_id>/deliveries/<delivery_id>/replay",
    tags=["webhooks"],
)
@blp.arguments(Nothing)
@blp.response(202, DeliveryRecord)
@blp.describe(errors=["webhook_not_found", "delivery_not_found", "webhook_disabled"])
def replay_delivery(params: dict, webhook_id: str, delivery_id: str) -> Response:
    """
    Send a delivery again, once, at once: the same `webhook-id` and body, signed anew.
    ---
    补发一次投递

    立即再发一次：同样的 `webhook-id` 和请求体，重新签名。
    """
    principal = auth.principal_of_api()
    found = webhooks.replay(principal, webhook_id, delivery_id)
    return success(DELIVERY.dump(found), 202)


@blp.post("/webhooks/<webhook:webhook_id>/replay", tags=["webhooks"])
@blp.arguments(ReplaySince)
@blp.response(202, Replayed)
@blp.describe(errors=["webhook_not_found", "webhook_disabled"])
def replay_deliveries(params: dict, webhook_id: str) -> Response:
    """
    Send all that failed since then again, the oldest 1,000 of them.

    `count` says how many; where it is 1000, the same request goes on.
    ---
    补发失败的投递

    从某时起失败的都再发一次，一次最多 1000 个，从最早的起。`count` 是个数；等于
    1000 时，再发同样的请求就接着补。
    """
    principal = auth.principal_of_api()
    return success(
        {"count": webhooks.replay_failed(principal, webhook_id, **params)}, 202
    )
