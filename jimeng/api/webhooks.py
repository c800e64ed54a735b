"""Webhooks: a user's endpoints, secrets and deliveries."""

from flask import Response, url_for

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
    EndpointsQuery,
    NewEndpoint,
    NewEndpointRecord,
    ReplayAll,
    Replayed,
    ReplaySince,
    SecretRecord,
)
from jimeng.webhooks import endpoints
from jimeng.webhooks.endpoints import NewWebhook

RECORD, RECORDS = EndpointRecord(), DeliveryRecord(many=True)
ENDPOINTS = EndpointRecord(many=True)
DELIVERY, SECRET = DeliveryRecord(), SecretRecord()
LATER = [
    *("get_webhook", "change_webhook", "delete_webhook", "rotate_webhook"),
    *("test_webhook", "list_deliveries", "replay_deliveries"),
]


def with_secret(found: tuple[WebhookEndpoint, str]) -> dict:
    endpoint, secret = found
    return {**RECORD.dump(endpoint), "secret": secret}


@blp.get("/webhooks", tags=["webhooks"])
@blp.arguments(EndpointsQuery, location="query")
@blp.response(200, ENDPOINTS)
@describe_list(errors=["user_not_found"])
def list_webhooks(query: dict) -> Response:
    """
    List a user's endpoints, newest first: at most 20, in one page.

    With `customers=true` those of the caller and of all customers of the account (see
    `act_for`); the next page is in `Link` and in `next_cursor`.
    """
    page = endpoints.page(auth.principal_of_api(), **query)
    return page_response(ENDPOINTS.dump(page.rows), page.next_cursor)


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
    """
    user_id = params.pop("user_id", None)
    created = endpoints.create(auth.principal_of_api(), NewWebhook(**params), user_id)
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
    """
    endpoint, secret = endpoints.default_secret(auth.principal_of_api(), **query)
    return success({**SECRET.dump(endpoint), "secret": secret})


@blp.get("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.response(200, EndpointRecord)
@blp.describe(errors=["webhook_not_found"])
def get_webhook(webhook_id: str) -> WebhookEndpoint:
    """Get an endpoint."""
    return endpoints.find(auth.principal_of_api(), webhook_id)


@blp.patch("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.arguments(EndpointChanges)
@blp.response(200, EndpointRecord)
@blp.describe(errors=["webhook_not_found", "webhooks_off"])
def change_webhook(params: dict, webhook_id: str) -> WebhookEndpoint:
    """
    Change an endpoint, disable it, or enable it again.

    Omitted fields stay unchanged. Pending deliveries go to the new address.
    """
    return endpoints.change(auth.principal_of_api(), webhook_id, params)


@blp.delete("/webhooks/<webhook:webhook_id>", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(200, EndpointDeleted)
@blp.describe(errors=["webhook_not_found"])
def delete_webhook(params: dict, webhook_id: str) -> dict:
    """Delete an endpoint; its pending deliveries and its log are deleted, too."""
    endpoints.delete(auth.principal_of_api(), webhook_id)
    return {"id": webhook_id}


@blp.post("/webhooks/<webhook:webhook_id>/rotate", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(200, NewEndpointRecord)
@blp.describe(errors=["webhook_not_found", "webhooks_off"])
def rotate_webhook(params: dict, webhook_id: str) -> Response:
    """Rotate an endpoint's secret. For 24 hours both secrets sign."""
    return success(with_secret(endpoints.rotate(auth.principal_of_api(), webhook_id)))


@blp.post("/webhooks/<webhook:webhook_id>/test", tags=["webhooks"])
@blp.arguments(Nothing)
@blp.response(202, DeliveryRecord)
@blp.describe(errors=["webhook_not_found", "webhook_disabled", "webhooks_off"])
def test_webhook(params: dict, webhook_id: str) -> Response:
    """Send a `test.ping`, once; what came of it stands in the list of deliveries."""
    created = endpoints.test(auth.principal_of_api(), webhook_id)
    return success(DELIVERY.dump(created), 202)


@blp.get("/webhooks/<webhook:webhook_id>/deliveries", tags=["webhooks"])
@blp.arguments(DeliveriesQuery, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["webhook_not_found"])
def list_deliveries(query: dict, webhook_id: str) -> Response:
    """
    List what was sent to an endpoint, newest first, with the result of each attempt.

    Finished deliveries are stored for 30 days.
    """
    page = endpoints.deliveries(auth.principal_of_api(), webhook_id, **query)
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
    """
    principal = auth.principal_of_api()
    found = endpoints.replay(principal, webhook_id, delivery_id)
    return success(DELIVERY.dump(found), 202)


@blp.post("/webhooks/<webhook:webhook_id>/replay", tags=["webhooks"])
@blp.arguments(ReplaySince)
@blp.response(202, Replayed)
@blp.describe(errors=["webhook_not_found", "webhook_disabled"])
def replay_deliveries(params: dict, webhook_id: str) -> Response:
    """
    Send all that failed since then again, the oldest 1,000 of them.

    `count` says how many; where it is 1000, the same request goes on.
    """
    principal = auth.principal_of_api()
    return success(
        {"count": endpoints.replay_failed(principal, webhook_id, **params)}, 202
    )


@blp.post("/webhooks/replay", tags=["webhooks"])
@blp.arguments(ReplayAll)
@blp.response(202, Replayed)
@blp.describe(errors=["user_not_found"])
def replay_all_deliveries(params: dict) -> Response:
    """
    Send all that failed since then again, of all of a user's endpoints.

    With `customers` of those of the caller and of all customers of the account. At most
    1,000 at a time: where `count` is 1000, the same request goes on. Disabled endpoints
    are left out.
    """
    count = endpoints.replay_all(auth.principal_of_api(), **params)
    return success({"count": count}, 202)
