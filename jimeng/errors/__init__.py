"""
All errors that jimeng raises on purpose.

``code`` is for programs and is never renamed; the user's message comes from ``i18n``
under ``error.<code>``. ``status`` is the HTTP status of the response. The exception's
message is English, for the log: it holds ids and codes, never a key, a password or a
prompt. Repeated failures are logged by `outages`. Every package may import this one,
`local` too.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType


class JimengError(Exception):
    """
    Base class of all errors.

    Attributes:
        retry_after: Seconds after which the same request may succeed, or None.
        values: Placeholders of the user's message (``{limit}`` and the like).
        rate_limits: The state of the user's limits, if one of them was exceeded.
        form_field: The form field whose message it is; empty for the whole
            form.
    """

    code = "internal"
    status = 500
    rate_limits: tuple = ()
    form_field = ""

    def __init__(
        self, message: str = "", *, retry_after: int | None = None, **values: object
    ) -> None:
        super().__init__(message or self.code)
        self.retry_after = retry_after
        self.values = values


class ConfigError(JimengError):
    """A setting is missing or malformed; the process must not start."""


class Invalid(JimengError):
    """
    Fields of a request are wrong.

    Attributes:
        fields: Field name -> i18n keys with their values, in the order found.
    """

    code = "validation_failed"
    status = 422

    def __init__(self, fields: Mapping[str, Sequence[tuple[str, dict]]]) -> None:
        super().__init__("invalid: " + ", ".join(fields))
        self.fields = dict(fields)

    @classmethod
    def field(cls, name: str, key: str, **values: object) -> "Invalid":
        """Build the error of one field; *key* is its message key in ``i18n``."""
        return cls({name: [(key, values)]})


class InvalidJson(JimengError):
    code = "invalid_json"
    status = 400


class UnsupportedEncoding(JimengError):
    """The body is compressed: its ``Content-Encoding`` is not ``identity``."""

    code = "unsupported_encoding"
    status = 415


class IdempotencyKeyInvalid(JimengError):
    """Not 1 to 255 visible ASCII characters."""

    code = "idempotency_key_invalid"
    status = 400


class IdempotencyKeyReused(JimengError):
    """The key was used before, with another body."""

    code = "idempotency_key_reused"
    status = 422


class AssistantUnavailable(JimengError):
    """The prompt assistant's endpoint does not answer with a text."""

    code = "assistant_unavailable"
    status = 502


class TooManyAssistantRequests(JimengError):
    """More requests to the prompt assistant in a minute than one user may make."""

    code = "too_many_assistant_requests"
    status = 429


class TaskNotFound(JimengError):
    """No such task, or another user's: the two must look the same."""

    code = "task_not_found"
    status = 404


class ImageNotFound(JimengError):
    code = "image_not_found"
    status = 404


class TaskFinished(JimengError):
    """The task has already reached a final status."""

    code = "task_finished"
    status = 409


class PictureUnderWay(JimengError):
    """The picture was sent or has ended; only a waiting picture can be cancelled."""

    code = "picture_under_way"
    status = 409


class CannotStop(JimengError):
    """The provider has begun the videos: they are charged, so they are stored."""

    code = "cannot_stop"
    status = 409


class ChargeKnown(JimengError):
    """No picture of that id has ended without it being known whether it was charged."""

    code = "charge_known"
    status = 409


class TaskNotRetryable(JimengError):
    """The task has not ended, or all of its pictures are done."""

    code = "task_not_retryable"
    status = 409


class MayBeChargedTwice(JimengError):
    """The first run was, or may have been, charged: a retry needs consent."""

    code = "may_be_charged_twice"
    status = 409


class OutOfTime(JimengError):
    """A bulk request ran out of time before this item."""

    code = "out_of_time"
    status = 503


class IntakePaused(JimengError):
    """The operator has paused new tasks."""

    code = "intake_paused"
    status = 503


class StorageFull(IntakePaused):
    """The disk is nearly full: the rest is reserved for accepted tasks."""

    code = "storage_full"


class TooManyPending(JimengError):
    """As many pictures, or videos, of the user are waiting as may."""

    code = "too_many_pending"
    status = 429


class TooManyWaiting(JimengError):
    """Too many long polls or streams, of this user or in total."""

    code = "too_many_waiting"
    status = 429


class TooManyRequests(JimengError):
    """More requests in a minute than ``REQUESTS_PER_MINUTE``."""

    code = "too_many_requests"
    status = 429


class TooManySubmissions(JimengError):
    code = "too_many_submissions"
    status = 429


class QuotaExceeded(JimengError):
    code = "quota_exceeded"
    status = 429


class KeyTooManySubmissions(TooManySubmissions):
    """The key's own limit per minute, which may be lower than its user's."""

    code = "key_too_many_submissions"


class KeyQuotaExceeded(QuotaExceeded):
    """The key's own daily quota, which may be lower than its user's."""

    code = "key_quota_exceeded"


class BudgetExceeded(JimengError):
    """
    What the pictures may cost exceeds the remaining budget.

    Attributes:
        budget: The state of that budget, as JSON for clients; empty if unknown.
    """

    code = "budget_exceeded"
    status = 402
    budget: Mapping[str, object] = MappingProxyType({})


class PriceUnknown(BudgetExceeded):
    """A budget applies, and nothing can be reserved for a model without a price."""

    code = "price_unknown"


class StartsTooLate(JimengError):
    """The task would begin only after the caller's deadline."""

    code = "starts_too_late"
    status = 429


class NoProvider(JimengError):
    """No credentials of any provider are configured."""

    code = "no_provider"
    status = 503


class DatabaseUnavailable(JimengError):
    code = "database_unavailable"
    status = 503


class StorageUnavailable(JimengError):
    """The store of pictures is unavailable for now."""

    code = "storage_unavailable"
    status = 503


class IndexMissing(JimengError):
    """The unique index that prevents duplicates is missing."""

    code = "index_missing"
    status = 503


class QueueUnavailable(JimengError):
    code = "queue_unavailable"
    status = 503


class PictureInvalid(JimengError):
    """
    The bytes are not a picture, or not an acceptable one.

    Attributes:
        reason: Why, for the user's message: ``refused.<reason>`` in ``i18n``.
    """

    code = "picture_invalid"

    def __init__(self, message: str = "", *, reason: str = "broken") -> None:
        super().__init__(message)
        self.reason = reason


class ProviderError(JimengError):
    """
    The provider refused or failed.

    Attributes:
        code: Our error code, with a message in ``i18n``.
        transient: A retry may succeed.
        maybe_accepted: The call may have been executed all the same, so submitting
            again could be charged twice.
        new_seed: The output was rejected and not charged: worth one retry with
            another seed.
        charged: ``no``, ``unknown`` or ``yes``.
        provider_code: The provider's own code, as text.
        request_id: The provider's request id, for its support.
    """

    status = 502

    def __init__(
        self,
        message: str,
        *,
        code: str = "provider_failed",
        transient: bool = False,
        maybe_accepted: bool = False,
        new_seed: bool = False,
        charged: str = "no",
        provider_code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{message} (request {request_id or 'unknown'})")
        self.code = code
        self.transient = transient
        self.maybe_accepted = maybe_accepted
        self.new_seed = new_seed
        self.charged = charged
        self.provider_code = provider_code
        self.request_id = request_id
