"""Webhooks: the endpoints of users, and the deliveries of events to them."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_id
from jimeng.documents.leased import Leased

PREFIX = "webhook_"
TASK_EVENTS = ("task.completed", "task.failed", "task.cancelled")
BATCH_COMPLETED = "batch.completed"
BUDGET_WARNING, BUDGET_EXCEEDED = "budget.warning", "budget.exceeded"
EVENTS = (*TASK_EVENTS, BATCH_COMPLETED, BUDGET_WARNING, BUDGET_EXCEEDED)
TEST = "test.ping"
PENDING, DELIVERED, FAILED = STATES = ("pending", "delivered", "failed")
BOTH_SIGN = timedelta(hours=24)  # both secrets sign for so long after a rotation
LOG_RETENTION = timedelta(days=30)


class WebhookEndpoint(Stored):
    """
    A URL to which a user's events are sent.

    Each user also has a default endpoint without a URL. It signs deliveries to the
    ``webhook_url`` of single tasks.

    Attributes:
        events: The types of events to send; empty: all.
        include_prompt: Whether the body includes the prompt.
        version: Version of the secret, incremented by each rotation.
        rotated_at: Time of the latest rotation.
        fingerprint: Fingerprint of the ``SECRET_KEY`` from which the secret is derived.
        disabled: The code of why it is disabled; absent: it is enabled.
        failures: Number of failed attempts in a row.
        failing_since: Time of the first of these.
        failure: The latest of these: its ``outcome``, the ``host``, and the ``status``
            of the response if there was one.
        catch_up: A process that has not yet seen the endpoint may still be creating
            tasks of its user.
    """

    id = StringField(primary_key=True, default=new_id(PREFIX))
    user_id = StringField(required=True)
    url = StringField()
    events = ListField(StringField())
    description = StringField(default="")
    include_prompt = BooleanField(default=False)
    version = IntField(default=1)
    rotated_at = DateTimeField()
    fingerprint = StringField(required=True)
    disabled = StringField()
    failures = IntField(default=0)
    failing_since = DateTimeField()
    failure = DictField(default=None)
    catch_up = BooleanField()
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "webhook_endpoints",
        "indexes": [
            named_index("user", "user_id", "-created_at", "-_id"),
            named_index("catch_up", "catch_up", having="catch_up"),
        ],
    }

    @staticmethod
    def default_id(user_id: str) -> str:
        """Return the id of the user's default endpoint."""
        digest = hashlib.sha256(f"default {user_id}".encode())
        return PREFIX + digest.hexdigest()[:24]

    def wants(self, event: str) -> bool:
        return not self.events or event in self.events

    def secret(self, key: str, version: int | None = None) -> str:
        """
        Return the signing secret, in the format of Standard Webhooks.

        Args:
            key: ``SECRET_KEY``.
            version: The version of an earlier secret; None for the current one.
        """
        about = f"webhook {self.id} {version or self.version}"
        digest = hmac.digest(key.encode(), about.encode(), "sha256")
        return f"whsec_{base64.b64encode(digest).decode()}"

    def signing_secrets(self, key: str, now: datetime) -> list[str]:
        """Return the current secret and, for a day after a rotation, the previous."""
        found = [self.secret(key)]
        if self.rotated_at is not None and now < self.rotated_at + BOTH_SIGN:
            found.append(self.secret(key, self.version - 1))
        return found


def fingerprint(key: str) -> str:
    """Return a fingerprint that identifies a ``SECRET_KEY`` without revealing it."""
    return hmac.digest(key.encode(), b"webhook fingerprint", "sha256").hex()[:16]


class WebhookAddress(Stored):
    """
    A host of an owner's receivers, with its port, that something was sent to.

    Attributes:
        id: The lane of its deliveries.
        user_id: The owner.
        answers: Whether the latest attempt succeeded.
        since: When that changed.
    """

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    answers = BooleanField(default=False)
    since = DateTimeField(default=utcnow)

    meta = {
        "collection": "webhook_addresses",
        "indexes": [
            named_index("user", "user_id"),
            named_index(
                "forgotten",
                "since",
                expireAfterSeconds=int(LOG_RETENTION.total_seconds()),
            ),
        ],
    }


class WebhookDelivery(Leased):
    """
    The delivery of one event to one endpoint.

    It is *ready* (``ready_at``), or waits for its next attempt or for the lease of the
    current one to expire (``due_at``), or it has ended.

    Attributes:
        id: The ``webhook-id`` of every attempt.
        endpoint: The id of the endpoint.
        subject: The id of the task or batch that the event is about; of a budget, the
            user and the day or month.
        url: The URL to send it to, if that is not the endpoint's.
        body: The request body of every attempt.
        state: ``pending``, ``delivered`` or ``failed``.
        lane: Whose receiver it is and its host. The former is the owner of the prefix
            of the customer whose event or endpoint it is, else the endpoint's user.
        customer: The user whose event it is; absent in those of earlier releases.
        flight: The lane while it is in flight, with a number if it is not the only one
            there; else absent.
        slow: The latest attempt in its lane failed, or there was none.
        untried: There was none.
        tries: Number of automatic attempts that have begun.
        once: The next attempt was requested by a user: it is the last, and does not
            count for the state of the endpoint.
        attempts: The latest ones: ``at``, ``outcome``, ``seconds`` and, if there was a
            response, its ``status`` and the beginning of its ``body``.
    """

    id = StringField(primary_key=True)
    endpoint = StringField(required=True)
    user_id = StringField(required=True)
    event = StringField(required=True)
    subject = StringField()
    url = StringField()
    body = StringField(required=True)
    state = StringField(default=PENDING)
    lane = StringField(required=True)
    customer = StringField()
    flight = StringField()
    slow = BooleanField(default=True)
    untried = BooleanField()
    tries = IntField(default=0)
    once = BooleanField()
    attempts = ListField(DictField())
    ready_at = DateTimeField()
    created_at = DateTimeField(default=utcnow)
    ended_at = DateTimeField()

    meta = {
        "collection": "webhook_deliveries",
        "indexes": [
            named_index("log", "endpoint", "-created_at", "-_id"),
            named_index("log_by_state", "endpoint", "state", "-created_at", "-_id"),
            named_index("user", "user_id"),
            named_index(
                "turns",
                *("slow", "untried", "lane", "ready_at", "customer"),
                having="ready_at",
            ),
            named_index("pending", "lane", partialFilterExpression={"state": PENDING}),
            named_index("due", "due_at", having="due_at"),
            named_index("flight", "flight", unique=True, having="flight"),
            named_index(
                "forgotten",
                "ended_at",
                expireAfterSeconds=int(LOG_RETENTION.total_seconds()),
            ),
        ],
    }

    @property
    def host(self) -> str:
        """The host, with its port if there is one, that it is sent to."""
        return self.lane.partition(" ")[2]

    @property
    def still(self) -> dict[str, object]:
        """No further conditions: every other change of an attempt unsets the owner."""
        return {}

    @staticmethod
    def id_of(subject: str, event: str, end: object, endpoint: str) -> str:
        """
        Derive the id of one event for one endpoint; repeating it yields the same id.

        Args:
            end: Distinguishes several ends of *subject*.
        """
        text = f"{subject}|{event}|{end}|{endpoint}"
        return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
