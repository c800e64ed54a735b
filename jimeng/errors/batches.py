"""Errors of batches."""

from jimeng.errors import JimengError


class BatchNotFound(JimengError):
    """No such batch, or another user's: the two must look the same."""

    code = "batch_not_found"
    status = 404


class BatchFinished(JimengError):
    """All of its tasks have ended."""

    code = "batch_finished"
    status = 409


class BatchNotRetryable(JimengError):
    """No task of the batch can be retried."""

    code = "batch_not_retryable"
    status = 409


class TooManyBatches(JimengError):
    """The user has the maximum number of open batches."""

    code = "too_many_batches"
    status = 429
