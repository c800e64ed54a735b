"""Webhooks: where a user's events are sent, and each event that is sent there."""

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

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_id
from jimeng.documents.leases import Leased

PREFIX = "webhook_"
TASK_EVENTS = ("task.completed", "task.failed", "task.cancelled")
BATCH_COMPLETED = "batch.completed"
EVENTS = (*TASK_EVENTS, BATCH_COMPLETED)
TEST = "test.ping"
PENDING, DELIVERED, FAILED = STATES = ("pending", "delivered", "failed")
BOTH_SIGN = timedelta(hours=24)  # after a rotation
LOG_RETENTION = timedelta(days=30)


class WebhookEndpoint(Stored):
    """
    An address that a user's events are sent to.

    Each user has one more without an address: it signs what is sent to the
    ``webhook_url`` of a single task.

    Attributes:
        events: Those that are sent; empty: all.
        include_prompt: Whether the prompt stands in the body.
        version: Of the secret; a rotation makes it one more.
        rotated_at: When that last was.
        fingerprint: Of the ``SECRET_KEY`` that the secret is made of.
        disabled: The code of why nothing is sent; absent: it is sent.
        failures: Attempts that have failed in a row.
        failing_since: When the first of them was.
        proven: Its latest attempt succeeded.
        catch_up: Tasks of its user may still be created by a process that has not
            heard of it.
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
    proven = BooleanField()
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
        """The id of the one that signs what single tasks have sent."""
        digest = hashlib.sha256(f"default {user_id}".encode())
        return PREFIX + digest.hexdigest()[:24]

    def wants(self, event: str) -> bool:
        return not self.events or event in self.events

    def secret(self, key: str, version: int | None = None) -> str:
        """
        The signing secret, as Standard Webhooks writes it.

        Args:
            key: ``SECRET_KEY``.
            version: An earlier one; None for the present.
        """
        about = f"webhook {self.id} {version or self.version}"
        made = hmac.digest(key.encode(), about.encode(), "sha256")
        return f"whsec_{base64.b64encode(made).decode()}"

    def signing_secrets(self, key: str, now: datetime) -> list[str]:
        """The present secret and, for a day after a rotation, the one before."""
        found = [self.secret(key)]
        if self.rotated_at is not None and now < self.rotated_at + BOTH_SIGN:
            found.append(self.secret(key, self.version - 1))
        return found


def fingerprint(key: str) -> str:
    """What tells one ``SECRET_KEY`` from another, and nothing else of it."""
    return hmac.digest(key.encode(), b"webhook fingerprint", "sha256").hex()[:16]


class WebhookDelivery(Leased):
    """
    An event on its way to an endpoint.

    It is *ready* (``ready_at``), or waits for its next attempt or for the lease of the
    present one to end (``due_at``), or it has ended.

    Attributes:
        id: The ``webhook-id`` of every attempt.
        endpoint: The id of the endpoint.
        subject: The task or batch that it is about.
        url: Where it goes, if that is not the endpoint's address.
        body: The bytes of each attempt, as text.
        state: ``pending``, ``delivered`` or ``failed``.
        lane: User and host; one delivery at a time is in flight for both.
        flight: The same, while it is.
        slow: The latest attempt at its endpoint failed, or there was none.
        tries: Attempts that have begun, of those that are made by themselves.
        once: The next attempt was asked for: it is the last, and says nothing about
            the endpoint.
        attempts: The latest ones: ``at``, ``outcome``, ``seconds`` and, of an answer,
            ``status`` and the beginning of its ``body``.
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
    flight = StringField()
    slow = BooleanField(default=True)
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
            named_index("ready", "slow", "user_id", "ready_at", having="ready_at"),
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
    def still(self) -> dict[str, object]:
        """Nothing: whatever else begins or ends an attempt takes the owner away."""
        return {}

    @staticmethod
    def id_of(subject: str, event: str, end: object, endpoint: str) -> str:
        """
        The id of one event for one endpoint: made again it is the same.

        Args:
            end: Which of the ends of *subject* it is about.
        """
        text = f"{subject}|{event}|{end}|{endpoint}"
        return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
