"""
Everything jimeng raises on purpose.

``code`` is for programs and is never renamed; the words a user sees come from
``i18n`` under ``error.<code>``. ``status`` is the HTTP status at the edge. The
message is English, for the log: it holds ids and codes, never a key, a password
or a prompt. What fails over and over is told by `outages`. Whatever stands above may
import it, `local` too.
"""

from collections.abc import Mapping, Sequence


class JimengError(Exception):
    """
    Attributes:
        retry_after: Seconds after which the same request may succeed, or None.
        values: What the user's words are filled with (``{limit}`` and the like).
        rate_limits: How the user stands with each limit, where one of these refused.
        beside: The field of a form that it is about, or empty for all of it.
    """

    code = "internal"
    status = 500
    rate_limits: tuple = ()
    beside = ""

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
        """One wrong field; the words are those of *key* in ``i18n``."""
        return cls({name: [(key, values)]})


class InvalidJson(JimengError):
    code = "invalid_json"
    status = 400


class UnsupportedEncoding(JimengError):
    """The body is packed: it has another ``Content-Encoding`` than ``identity``."""

    code = "unsupported_encoding"
    status = 415


class IdempotencyKeyInvalid(JimengError):
    """Not 1 to 255 visible ASCII characters."""

    code = "idempotency_key_invalid"
    status = 400


class IdempotencyKeyReused(JimengError):
    """The key came before, with another body."""

    code = "idempotency_key_reused"
    status = 422


class TaskNotFound(JimengError):
    """No such task, or not this user's: the two look alike from outside."""

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
    """It has been sent, or has ended; only what waits can be cancelled by itself."""

    code = "picture_under_way"
    status = 409


class TaskNotRetryable(JimengError):
    """It goes on, or has all its pictures."""

    code = "task_not_retryable"
    status = 409


class MayBeChargedTwice(JimengError):
    """The first run was, or may have been, charged: the second needs consent."""

    code = "may_be_charged_twice"
    status = 409


class OutOfTime(JimengError):
    """Many were asked for at once, and this one's turn did not come."""

    code = "out_of_time"
    status = 503


class IntakePaused(JimengError):
    """The operator takes no new tasks for a while."""

    code = "intake_paused"
    status = 503


class StorageFull(IntakePaused):
    """The disk of MongoDB is nearly full: what is under way needs the rest of it."""

    code = "storage_full"


class TooManyPending(JimengError):
    """The user's waiting pictures have reached ``USER_MAX_PENDING``."""

    code = "too_many_pending"
    status = 429


class TooManyWaiting(JimengError):
    """As many wait as may, of this user or in all."""

    code = "too_many_waiting"
    status = 429


class TooManyRequests(JimengError):
    """More in a minute than ``REQUESTS_PER_MINUTE``."""

    code = "too_many_requests"
    status = 429


class TooManySubmissions(JimengError):
    code = "too_many_submissions"
    status = 429


class QuotaExceeded(JimengError):
    code = "quota_exceeded"
    status = 429


class KeyTooManySubmissions(TooManySubmissions):
    """The key's own limit, which may be lower than its user's."""

    code = "key_too_many_submissions"


class KeyQuotaExceeded(QuotaExceeded):
    """The same."""

    code = "key_quota_exceeded"


class StartsTooLate(JimengError):
    """It would begin only after whoever asks has stopped waiting."""

    code = "starts_too_late"
    status = 429


class NoProvider(JimengError):
    """There are no credentials, so nobody can draw anything."""

    code = "no_provider"
    status = 503


class DatabaseUnavailable(JimengError):
    code = "database_unavailable"
    status = 503


class StorageUnavailable(JimengError):
    """The bytes of pictures can be neither kept nor read; they may be later."""

    code = "storage_unavailable"
    status = 503


class IndexMissing(JimengError):
    """The unique index that keeps this from being done twice is not there."""

    code = "index_missing"
    status = 503


class QueueUnavailable(JimengError):
    code = "queue_unavailable"
    status = 503


class PictureInvalid(JimengError):
    """
    Bytes that were to be a picture are none, or not one that can be kept.

    Attributes:
        reason: Why, as its giver is told: ``refused.<reason>`` in ``i18n``.
    """

    code = "picture_invalid"

    def __init__(self, message: str = "", *, reason: str = "broken") -> None:
        super().__init__(message)
        self.reason = reason


class ProviderError(JimengError):
    """
    The provider refused or failed.

    Attributes:
        code: Ours; it has words in ``i18n``.
        transient: A later call of the same kind may go better.
        maybe_accepted: The call may have been carried out all the same, so
            submitting again could be charged twice.
        new_seed: Refused after drawing and not charged: worth one more try with
            another seed.
        charged: ``no``, ``unknown`` or ``yes``.
        provider_code: The provider's own code, as text.
        request_id: The provider's name for the call; its support asks for it.
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
