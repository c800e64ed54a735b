"""Schemas of requests and responses: webhook endpoints and deliveries."""

from typing import ClassVar

from marshmallow import validates_schema

from jimeng.documents import WebhookDelivery, WebhookEndpoint
from jimeng.documents.webhook import BOTH_SIGN, EVENTS, STATES, TEST
from jimeng.i18n import t
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    AS_USER_ID,
    Boolean,
    Changes,
    DateTime,
    Length,
    OfUser,
    OneOf,
    QueryBoolean,
    Reply,
    Strict,
    StringList,
    Text,
    Trimmed,
    address,
    boolean,
    count,
    fixed,
    instant,
    integer,
    list_of,
    nested_list,
    number,
    reject_user_with_customers,
    text,
)
from jimeng.schemas.pagination import PageQuery, UserPageQuery
from jimeng.schemas.tasks import TASK
from jimeng.webhooks.outbox import MAX_URL_CHARS

WEBHOOK = "webhook_3f9a1c5b7d20e46a8c1b9f02"
DELIVERY = "msg_0b8f4f1c7a6e4d2f9c3a5e7b1d2f4a6c"
SECRET = "whsec_amltZW5nLXdlYmhvb2stdGVzdC1rZXktMzJieXRlcyE="  # of examples  # noqa: S105
URL = "https://shop.example.com/jimeng"
MAX_DESCRIPTION = 200  # characters


WHERE = "The endpoint: an https URL, at most 2,000 characters"
WHICH = (
    "Which events: task.completed, task.failed, task.cancelled, batch.completed, "
    "budget.warning, budget.exceeded; empty "
    "for all"
)
INCLUDE_PROMPT = "Whether the body includes the prompt"
SIGNED_WITH = "The signing secret (whsec_), as Standard Webhooks has it"
BOTH_SIGN_TEXT = "Until when the old secret signs as well, after a rotation"


class EndpointFields(Strict):
    description = Trimmed(
        "A note, at most 200 characters",
        validate=Length(0, MAX_DESCRIPTION),
    )
    include_prompt = Boolean(INCLUDE_PROMPT)
    events = StringList(
        WHICH,
        each=Text(validate=OneOf(*EVENTS)),
        validate=Length(0, len(EVENTS)),
    )


class NewEndpoint(OfUser, EndpointFields):
    """``POST /api/v1/webhooks``."""

    examples: ClassVar = {
        "all": {"url": URL, "user_id": "user_123"},
        "some": {"url": URL, "events": ["task.completed", "task.failed"]}
        | {"description": ("订单", "orders"), "user_id": "user_123"},
    }
    url = Trimmed(WHERE, required=True, validate=Length(1, MAX_URL_CHARS))


class EndpointChanges(Changes, EndpointFields):
    """``PATCH /api/v1/webhooks/<id>``: omitted fields stay unchanged."""

    examples: ClassVar = {"on": {"enabled": True}, "events": {"events": []}}
    url = Trimmed(WHERE, validate=Length(1, MAX_URL_CHARS))
    enabled = Boolean(
        "false disables it; true enables it, even after it was disabled automatically",
    )


class DeliveriesQuery(PageQuery):
    """The query of an endpoint's log."""

    status = Text(
        "Only those that are pending, delivered or failed",
        validate=OneOf(*STATES),
    )


class ReplaySince(Strict):
    """``POST /api/v1/webhooks/<id>/replay``."""

    examples: ClassVar = {"since": {"since": "2026-10-01T04:00:00Z"}}
    since = DateTime("From when on", required=True)


class ReplayAll(OfUser, ReplaySince):
    """``POST /api/v1/webhooks/replay``."""

    examples: ClassVar = {
        "own": {"since": "2026-10-01T04:00:00Z", "user_id": "user_123"},
    }
    customers = Boolean(
        "Also those of the account's customers, of a key with act_for those that it "
        "acts for",
        load_default=False,
    )

    @validates_schema
    def one_or_many(self, data: dict, **kwargs) -> None:
        reject_user_with_customers(data)


class EndpointsQuery(UserPageQuery):
    """``GET /api/v1/webhooks``."""

    customers = QueryBoolean(
        "1 or true: also those of the account's customers, of a key with act_for those "
        "that it acts for",
        load_default=False,
    )

    @validates_schema
    def one_or_many(self, data: dict, **kwargs) -> None:
        reject_user_with_customers(data)


def both_sign_until(endpoint: WebhookEndpoint) -> object:
    return endpoint.rotated_at and endpoint.rotated_at + BOTH_SIGN


def disabled_text(endpoint: WebhookEndpoint) -> str | None:
    return endpoint.disabled and t(f"webhook.off.{endpoint.disabled}")


class EndpointRecord(Reply):
    """An endpoint."""

    id = text(field_descriptions.ID, example=WEBHOOK)
    user_id = text("Whose it is", example="user_123", pattern=AS_USER_ID["pattern"])
    url = address(
        "Where events are sent; null for the default that signs for single tasks",
        null=True,
        example=URL,
    )
    events = list_of(WHICH, text(), example=["task.completed", "task.failed"])
    description = text("A note", example=("订单", "orders"))
    include_prompt = boolean(INCLUDE_PROMPT, example=False)
    enabled = boolean(
        "Whether it is enabled",
        of=lambda each: each.disabled is None,
        example=True,
    )
    disabled_reason = text(
        "Why it is disabled: owner, gone (410), failing, or secret_key_changed",
        of="disabled",
        null=True,
    )
    disabled_message = text("The same as a message", of=disabled_text, null=True)
    failures = count("Attempts that failed in a row", example=0)
    old_secret_until = instant(BOTH_SIGN_TEXT, of=both_sign_until, null=True)
    created_at = instant(field_descriptions.CREATED_AT)
    updated_at = instant(field_descriptions.UPDATED_AT)


class NewEndpointRecord(EndpointRecord):
    """An endpoint with its secret, which is only shown here."""

    secret = text(SIGNED_WITH, example=SECRET)


class SecretRecord(Reply):
    """The secret that signs events to a task's own ``webhook_url``."""

    id = text(field_descriptions.ID, example=WEBHOOK)
    secret = text(SIGNED_WITH, example=SECRET)
    old_secret_until = instant(BOTH_SIGN_TEXT, of=both_sign_until, null=True)


class EndpointDeleted(Reply):
    id = text(field_descriptions.ID, example=WEBHOOK)
    message = fixed("answer.webhook_deleted")


def attempt_text(attempt: dict) -> str:
    key = f"webhook.attempt.{attempt['outcome']}"
    return t(key, status=attempt.get("status", ""))


class AttemptRecord(Reply):
    """One attempt at a delivery."""

    at = instant("When")
    outcome = text("The code of its result", example="delivered")
    message = text(
        "Its result, as a message",
        of=attempt_text,
        example=("已送达（200）", "Delivered (200)"),
    )
    status = integer(
        "The HTTP status of the response",
        of=lambda each: each.get("status"),
        null=True,
        example=200,
    )
    body = text(
        "The beginning of the response, at most 2 KiB",
        of=lambda each: each.get("body"),
        null=True,
        example="ok",
    )
    seconds = number("How long it took, in seconds", minimum=0, example=0.21)


def next_attempt(delivery: WebhookDelivery) -> object:
    return delivery.ready_at or (None if delivery.owner else delivery.due_at)


class DeliveryRecord(Reply):
    """A delivery of an event to an endpoint, pending or finished."""

    id = text("Its id, the webhook-id", example=DELIVERY)
    event = text("The event", choices=(*EVENTS, TEST), example="task.completed")
    subject = text(
        "The task or batch that it is about",
        null=True,
        example=TASK,
    )
    status = text(
        "pending, delivered, or failed (not retried automatically)",
        of="state",
        choices=STATES,
        example="delivered",
    )
    url = text(
        "The task's own webhook_url; null if it goes to the endpoint's URL",
        null=True,
    )
    created_at = instant(field_descriptions.CREATED_AT)
    next_attempt_at = instant(
        "When the next attempt is due", of=next_attempt, null=True
    )
    ended_at = instant("When it was delivered or failed", null=True, example=...)
    attempts = nested_list("The latest 20 attempts", AttemptRecord, example=...)


class Replayed(Reply):
    count = count("How many are sent again", example=3)
