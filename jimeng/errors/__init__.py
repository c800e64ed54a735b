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

# Codes without a class: HTTP status -> code of the errors of HTTP itself, and code ->
# status of the others.
HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    431: "headers_too_large",
}
OTHER_STATUSES = {"not_ready": 503}


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


class NotFound(JimengError):
    """It never existed, is gone, or is another user's: these must look the same."""

    status = 404


class Conflict(JimengError):
    """The state of the thing does not allow it."""

    status = 409


class Forbidden(JimengError):
    """The user, or the API key, may not do this."""

    status = 403


class TooMany(JimengError):
    """More than a user, or this process, may have at once or in a minute."""

    status = 429


class LimitReached(TooMany):
    """A limit on what a user or a key may generate: now, in a minute or in a day."""


class Unavailable(JimengError):
    """Something that the request needs is unavailable for now."""

    status = 503


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


class TooManyAssistantRequests(TooMany):
    """More requests to the prompt assistant in a minute than one user may make."""

    code = "too_many_assistant_requests"


class TaskNotFound(NotFound):
    """No such task, or another user's: the two must look the same."""

    code = "task_not_found"


class ImageNotFound(NotFound):
    code = "image_not_found"


class TaskFinished(Conflict):
    """The task has already reached a final status."""

    code = "task_finished"


class PictureUnderWay(Conflict):
    """The picture was sent or has ended; only a waiting picture can be cancelled."""

    code = "picture_under_way"


class CannotStop(Conflict):
    """The provider has begun the videos: they are charged, so they are stored."""

    code = "cannot_stop"


class ChargeKnown(Conflict):
    """No picture of that id has ended without it being known whether it was charged."""

    code = "charge_known"


class TaskNotRetryable(Conflict):
    """The task has not ended, or all of its pictures are done."""

    code = "task_not_retryable"


class MayBeChargedTwice(Conflict):
    """The first run was, or may have been, charged: a retry needs consent."""

    code = "may_be_charged_twice"


class OutOfTime(Unavailable):
    """A bulk request ran out of time before this item."""

    code = "out_of_time"


class IntakePaused(Unavailable):
    """The operator has paused new tasks."""

    code = "intake_paused"


class StorageFull(IntakePaused):
    """The disk is nearly full: the rest is reserved for accepted tasks."""

    code = "storage_full"


class TooManyPending(LimitReached):
    """As many pictures, or videos, of the user are waiting as may."""

    code = "too_many_pending"


class TooManyWaiting(TooMany):
    """Too many long polls or streams, of this user or in total."""

    code = "too_many_waiting"


class TooManyRequests(TooMany):
    """More requests in a minute than ``REQUESTS_PER_MINUTE``."""

    code = "too_many_requests"


class TooManySubmissions(LimitReached):
    code = "too_many_submissions"


class QuotaExceeded(LimitReached):
    code = "quota_exceeded"


class KeyTooManySubmissions(TooManySubmissions):
    """The key's own limit per minute, which may be lower than its user's."""

    code = "key_too_many_submissions"


class KeyQuotaExceeded(QuotaExceeded):
    """The key's own daily quota, which may be lower than its user's."""

    code = "key_quota_exceeded"


class BudgetExceeded(LimitReached):
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


class StartsTooLate(TooMany):
    """The task would begin only after the caller's deadline."""

    code = "starts_too_late"


class NoProvider(Unavailable):
    """No credentials of any provider are configured."""

    code = "no_provider"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"


class StorageUnavailable(Unavailable):
    """The store of pictures is unavailable for now."""

    code = "storage_unavailable"


class IndexMissing(Unavailable):
    """The unique index that prevents duplicates is missing."""

    code = "index_missing"


class QueueUnavailable(Unavailable):
    code = "queue_unavailable"


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


def code_of_status(status: int) -> str:
    """The code of an HTTP error for which nothing of ours was raised."""
    return HTTP_CODES.get(status, "bad_request" if status < 500 else "internal")


def codes_of(family: type[JimengError]) -> dict[str, int]:
    """Code -> HTTP status, of a class of errors and of all that derive from it."""
    kinds = [family]
    for kind in kinds:  # grows meanwhile
        kinds += kind.__subclasses__()
    return {kind.code: kind.status for kind in kinds if "code" in vars(kind)}


def statuses() -> dict[str, int]:
    """Code -> HTTP status, of all errors; those of imported modules have classes."""
    of_http = {code: status for status, code in HTTP_CODES.items()}
    return of_http | OTHER_STATUSES | codes_of(JimengError)
