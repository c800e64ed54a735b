"""Webhook endpoints of all users that fail, for the operator."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from jimeng.documents import User, WebhookEndpoint
from jimeng.documents.principal import Principal

MAX_SHOWN = 100


@dataclass(frozen=True)
class FailingEndpoint:
    """
    Attributes:
        id: Of the endpoint; one for all ``webhook_url``s of a user's tasks.
        user: The user's name, or id if there is none.
        host: Of its latest failure; the path may be a secret.
        failures: Failed attempts in a row.
        outcome: The code of the latest; empty if unknown.
        status: HTTP status of its response; None if there was none.
        disabled: The code of why it is disabled; None if it is enabled.
    """

    id: str
    user_id: str
    user: str
    host: str
    since: datetime
    failures: int
    outcome: str
    status: int | None
    disabled: str | None


def failing(principal: Principal) -> list[FailingEndpoint]:
    """
    The endpoints whose latest attempt failed, the latest to begin first; at most
    `MAX_SHOWN`.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("failing webhooks")
    where = {"failing_since": {"$exists": True}}
    newest_first = [("failing_since", -1), ("_id", -1)]
    found = WebhookEndpoint.find_all(where, sort=newest_first, limit=MAX_SHOWN)
    names = User.names({each.user_id for each in found})
    return [_failing(each, names.get(each.user_id, each.user_id)) for each in found]


def _failing(endpoint: WebhookEndpoint, user: str) -> FailingEndpoint:
    assert endpoint.failing_since is not None  # it was asked for  # noqa: S101
    # Absent if it has failed in an earlier release only.
    failure = endpoint.failure or {}
    return FailingEndpoint(
        id=endpoint.id,
        user_id=endpoint.user_id,
        user=user,
        host=failure.get("host") or urlsplit(endpoint.url or "").netloc.lower(),
        since=endpoint.failing_since,
        failures=endpoint.failures,
        outcome=failure.get("outcome", ""),
        status=failure.get("status"),
        disabled=endpoint.disabled,
    )
