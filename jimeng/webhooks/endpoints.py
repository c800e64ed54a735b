"""A user's webhooks: endpoints, secrets, deliveries and replays."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from jimeng.documents import User, WebhookDelivery, WebhookEndpoint, utcnow
from jimeng.documents.auditing import audited
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.webhook import FAILED, PENDING, STATES, fingerprint
from jimeng.errors import Invalid
from jimeng.errors.access import ScopeTooSmall
from jimeng.errors.collections import (
    DeliveryNotFound,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from jimeng.webhooks import outbox

log = logging.getLogger(__name__)

MAX_WEBHOOKS = 20  # per user
MAX_REPLAYED = 1000  # deliveries per request
REPLAYED_TOGETHER = 500  # endpoints whose deliveries are looked up at once
WITH_ADDRESS = {"url": {"$exists": True}}
RESET_DELIVERY = {"$unset": {"due_at": "", "owner": "", "flight": "", "ended_at": ""}}


@dataclass(frozen=True)
class NewWebhook:
    """The fields of a new endpoint."""

    url: str
    events: list[str] = field(default_factory=list)
    description: str = ""
    include_prompt: bool = False


def create(
    principal: Principal, new: NewWebhook, user_id: str | None = None
) -> tuple[WebhookEndpoint, str]:
    """
    Create an endpoint for events of a user's tasks that are created from now on.

    Args:
        user_id: The owner; by default the principal.

    Returns:
        The endpoint, and its secret.

    Raises:
        UserIdNotYours: the principal may not act for that user.
        WebhooksOff: there is no ``SECRET_KEY``.
        Invalid: the URL is not allowed.
        TooManyWebhooks: the user has `MAX_WEBHOOKS` already.
    """
    user_id = user_id or principal.user_id
    principal.require_owner(user_id, "webhook")
    key = outbox.secret_key()
    outbox.check_address("url", new.url)
    endpoint = WebhookEndpoint(
        user_id=user_id,
        fingerprint=fingerprint(key),
        catch_up=True,
        **vars(new),
    )
    with recorded_on_behalf(principal, user_id, "webhooks.create", webhook=endpoint.id):
        if not endpoint.insert_with_limit(MAX_WEBHOOKS, WITH_ADDRESS):
            raise TooManyWebhooks(f"user {user_id}", limit=MAX_WEBHOOKS)
    outbox.clear_owner_cache()
    log.info("webhook created id=%s user=%s", endpoint.id, user_id)
    return endpoint, endpoint.secret(key)


def find(principal: Principal, webhook_id: str) -> WebhookEndpoint:
    """
    Find an endpoint by id.

    Raises:
        WebhookNotFound: no such endpoint, or it is another user's.
    """
    return principal.find(WebhookEndpoint, webhook_id, WebhookNotFound)


def page(
    principal: Principal,
    user_id: str | None = None,
    *,
    customers: bool = False,
    limit: int = MAX_WEBHOOKS,
    cursor: str | None = None,
) -> Page[WebhookEndpoint]:
    """
    Return a page of a user's endpoints, newest first; of one user there are at most
    `MAX_WEBHOOKS`.

    Args:
        customers: Those of the principal and of all its customers.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the cursor is invalid, or the principal has no customers.
    """
    where = whose(principal, user_id, customers=customers)
    rows = WebhookEndpoint.collection()
    found = page_of(rows, {**where, **WITH_ADDRESS}, "created_at", cursor, limit)
    return found.read(WebhookEndpoint.read_all)


def whose(principal: Principal, user_id: str | None = None, *, customers: bool) -> dict:
    """
    Build a query condition for the endpoints of a user, by default the principal; or of
    the principal and all customers.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the principal has no customers.
    """
    if customers:
        principal.require_customers()
        return {"user_id": principal.customers.filter(principal.user_id)}
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    return {"user_id": user_id}


def default_secret(
    principal: Principal, user_id: str | None = None
) -> tuple[WebhookEndpoint, str]:
    """
    Return the secret that signs events to the ``webhook_url`` of a user's tasks.

    Raises:
        UserNotFound: the principal may not act for that user.
        ScopeTooSmall: a key that only reads must not be able to forge events.
        WebhooksOff: as in `create`.
    """
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    if not principal.may_change:
        raise ScopeTooSmall("the secret of webhooks", scope="write")
    found = outbox.ensure_default(user_id)
    return found, found.secret(outbox.secret_key())


@audited(WebhookEndpoint, "webhooks.change")
def change(
    principal: Principal, webhook_id: str, fields: Mapping[str, object]
) -> WebhookEndpoint:
    """
    Change an endpoint; ``enabled`` true enables one that was disabled.

    Raises:
        WebhookNotFound: as in `find`, and for a user's default endpoint.
        Invalid: the URL is not allowed, or the secret belongs to another
            ``SECRET_KEY`` and must be rotated first.
    """
    found = principal.find(WebhookEndpoint, webhook_id, WebhookNotFound, WITH_ADDRESS)
    changes, gone = dict(fields), dict[str, str]()
    if "url" in changes:
        outbox.check_address("url", str(changes["url"]))
    enabled = changes.pop("enabled", None)
    if enabled:
        if found.fingerprint != fingerprint(outbox.secret_key()):
            raise Invalid.field("enabled", "invalid.webhook_key_changed")
        gone |= dict.fromkeys(("disabled", "failing_since"), "")
        changes |= {"failures": 0}
    elif enabled is False and found.disabled is None:
        changes["disabled"] = "owner"
    update: dict = {"$set": {**changes, "updated_at": utcnow()}}
    update |= {"$unset": gone} if gone else {}
    changed = principal.change(WebhookEndpoint, found.id, update, WebhookNotFound)
    if "url" in fields:  # pending deliveries go there
        owner = User.owner_of(changed.user_id) or changed.user_id
        lane = outbox.lane_of(owner, str(fields["url"]))
        WebhookDelivery.collection().update_many(
            {"endpoint": changed.id, "state": PENDING},
            {"$set": {"lane": lane, "slow": True, "untried": True}},
        )
    return changed


@audited(WebhookEndpoint, "webhooks.delete")
def delete(principal: Principal, webhook_id: str) -> WebhookEndpoint:
    """
    Delete an endpoint with its pending deliveries and its log.

    Raises:
        WebhookNotFound: as in `change`.
    """
    found = principal.find(WebhookEndpoint, webhook_id, WebhookNotFound, WITH_ADDRESS)
    WebhookEndpoint.collection().delete_one({"_id": found.id})
    WebhookDelivery.collection().delete_many({"endpoint": found.id})
    outbox.clear_owner_cache()
    log.info("webhook deleted id=%s user=%s", found.id, found.user_id)
    return found


@audited(WebhookEndpoint, "webhooks.rotate")
def rotate(principal: Principal, webhook_id: str) -> tuple[WebhookEndpoint, str]:
    """
    Rotate an endpoint's secret; for a day, deliveries are signed with both.

    Raises:
        WebhookNotFound: as in `find`.
        WebhooksOff: as in `create`.
    """
    key = outbox.secret_key()
    now = utcnow()
    changes = {"rotated_at": now, "updated_at": now, "fingerprint": fingerprint(key)}
    update = {"$set": changes, "$inc": {"version": 1}}
    changed = principal.change(WebhookEndpoint, webhook_id, update, WebhookNotFound)
    log.info("webhook rotated id=%s user=%s", changed.id, changed.user_id)
    return changed, changed.secret(key)


@audited(WebhookEndpoint, "webhooks.test")
def test(principal: Principal, webhook_id: str) -> WebhookDelivery:
    """
    Send a ``test.ping`` event to an endpoint, once.

    Raises:
        WebhookNotFound: as in `change`.
        WebhookDisabled: the endpoint is disabled.
        WebhooksOff: as in `create`.
    """
    outbox.secret_key()
    endpoint = principal.find(
        WebhookEndpoint, webhook_id, WebhookNotFound, WITH_ADDRESS
    )
    require_enabled(endpoint)
    row = outbox.test_delivery(endpoint)
    outbox.insert([row])
    return WebhookDelivery.read(row)


def deliveries(
    principal: Principal,
    webhook_id: str,
    *,
    status: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[WebhookDelivery]:
    """
    Return a page of an endpoint's deliveries, newest first; stored for 30 days.

    Args:
        status: One of `STATES`.

    Raises:
        WebhookNotFound: as in `find`.
        Invalid: the cursor is invalid, or there is no such status.
    """
    endpoint = find(principal, webhook_id)
    where = {"endpoint": endpoint.id}
    if status is not None:
        if status not in STATES:
            raise Invalid.field("status", "invalid.choice", known=", ".join(STATES))
        where["state"] = status
    rows = WebhookDelivery.collection()
    page = page_of(rows, where, "created_at", cursor, limit)
    return page.read(WebhookDelivery.read_all)


@audited(WebhookEndpoint, "webhooks.replay")
def replay(principal: Principal, webhook_id: str, delivery_id: str) -> WebhookDelivery:
    """
    Send a delivery again, once and at once: the same id and body, signed anew.

    Raises:
        WebhookNotFound: as in `find`.
        WebhookDisabled: the endpoint is disabled.
        DeliveryNotFound: the endpoint has no delivery of that id.
    """
    endpoint = find(principal, webhook_id)
    require_enabled(endpoint)
    mine = {"_id": delivery_id, "endpoint": endpoint.id}
    found = WebhookDelivery.find_and_modify(
        {**mine, "state": {"$ne": PENDING}}, {**_ready_once(), **RESET_DELIVERY}
    )
    if found is None:  # still pending: attempt it now
        now = {"$set": {"ready_at": utcnow()}, "$unset": {"due_at": ""}}
        waits = {"ready_at": {"$exists": False}, "owner": {"$exists": False}}
        found = WebhookDelivery.find_and_modify({**mine, **waits}, now)
    found = found or WebhookDelivery.find_one(mine)
    if found is None:
        raise DeliveryNotFound(f"delivery {delivery_id[:64]!r}")
    return found


@audited(WebhookEndpoint, "webhooks.replay")
def replay_failed(principal: Principal, webhook_id: str, *, since: datetime) -> int:
    """
    `replay` failed deliveries that were created since then, the oldest `MAX_REPLAYED`;
    return how many.

    Raises:
        WebhookNotFound: as `replay`; likewise WebhookDisabled.
    """
    endpoint = find(principal, webhook_id)
    require_enabled(endpoint)
    return _replay_failed([endpoint.id], since)


def replay_all(
    principal: Principal,
    user_id: str | None = None,
    *,
    since: datetime,
    customers: bool = False,
) -> int:
    """
    `replay_failed` for all enabled endpoints of a user, and the default endpoint;
    `MAX_REPLAYED` in all, the oldest of some endpoints at a time.

    Args:
        customers: For those of the principal and of all its customers.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the principal has no customers.
    """
    where = whose(principal, user_id, customers=customers)
    rows = WebhookEndpoint.collection().find(
        {**where, "disabled": {"$exists": False}}, {"_id": 1}, hint="user"
    )
    again = 0
    with recorded_on_behalf(principal, user_id or principal.user_id, "webhooks.replay"):
        while some := [row["_id"] for row in islice(rows, REPLAYED_TOGETHER)]:
            again += _replay_failed(some, since, MAX_REPLAYED - again)
            if again >= MAX_REPLAYED:
                break
    return again


def _replay_failed(
    webhook_ids: Sequence[str], since: datetime, most: int = MAX_REPLAYED
) -> int:
    failed = {
        "endpoint": {"$in": [*webhook_ids]},
        "state": FAILED,
        "created_at": {"$gte": since},
    }
    oldest_first = [("created_at", 1), ("_id", 1)]
    ids = WebhookDelivery.find_ids(failed, sort=oldest_first, limit=most)
    again = WebhookDelivery.collection().update_many(
        {"_id": {"$in": ids}, "state": FAILED}, {**_ready_once(), **RESET_DELIVERY}
    )
    return again.modified_count


def _ready_once() -> dict:
    return {"$set": {"state": PENDING, "once": True, "ready_at": utcnow()}}


def require_enabled(endpoint: WebhookEndpoint) -> None:
    """
    Require that an endpoint is enabled.

    Raises:
        WebhookDisabled: it is disabled.
    """
    if endpoint.disabled is not None:
        raise WebhookDisabled(f"webhook {endpoint.id} is disabled: {endpoint.disabled}")
