"""Batches: gone, ended, too many, or with nothing to run again."""

from jimeng.errors import JimengError


class BatchNotFound(JimengError):
    """No such batch, or not this user's: the two look alike from outside."""

    code = "batch_not_found"
    status = 404


class BatchFinished(JimengError):
    """All of its tasks have ended."""

    code = "batch_finished"
    status = 409


class BatchNotRetryable(JimengError):
    """Nothing of it is lacking that asking again may bring."""

    code = "batch_not_retryable"
    status = 409


class TooManyBatches(JimengError):
    """As many of the user's go on as may at a time."""

    code = "too_many_batches"
    status = 429
