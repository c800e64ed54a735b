"""The clock of documents."""

from datetime import UTC, datetime

RUN_S = 1.0  # duration of one run of a periodic task over due documents


def utcnow() -> datetime:
    """Return the time in UTC, truncated to milliseconds as MongoDB stores it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
