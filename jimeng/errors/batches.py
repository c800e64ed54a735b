"""Errors of batches."""

from jimeng.errors import Conflict, NotFound, TooMany


class BatchNotFound(NotFound):
    """No such batch, or another user's: the two must look the same."""

    code = "batch_not_found"


class BatchFinished(Conflict):
    """All of its tasks have ended."""

    code = "batch_finished"


class BatchNotRetryable(Conflict):
    """No task of the batch can be retried."""

    code = "batch_not_retryable"


class TooManyBatches(TooMany):
    """The user has the maximum number of open batches."""

    code = "too_many_batches"
