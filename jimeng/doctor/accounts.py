"""Accounts: their limits, those that rest, and those waited for in vain."""

from collections import Counter
from collections.abc import Iterator

from jimeng import jobs, lanes
from jimeng.config import Config
from jimeng.doctor.finding import Finding, Verdict


def accounts(config: Config) -> Iterator[Finding]:
    """Each account is given pictures, and none holds any that is not there."""
    if not config.has_credentials:  # those of `make run` are not known here
        return
    registry = jobs.runtime().registry
    channels = lanes.channels_of(registry.limits)
    wrong = [*removed(lanes.held_by_others(channels)), *resting(list(channels))]
    yield from wrong
    if not wrong and len(registry.accounts) > 1:
        yield Finding("accounts", Verdict.OK, ", ".join(registry.accounts))


def limits(config: Config) -> Iterator[Finding]:
    """As many pictures are sent at a time as are configured."""
    channels = lanes.channels_of(jobs.runtime().registry.limits)
    records = lanes.read_all([channel.record for channel in channels])
    for channel, most in channels.items():
        limit = lanes.limit_of(records[channel.record], most)
        if limit < most:
            yield Finding(
                f"limit of {channel.record}",
                Verdict.WARNING,
                f"{limit} at a time, {most} configured",
                "doctor.limit_lowered",
                (("lane", channel.lane),),
            )


def removed(held: Counter[lanes.Channel]) -> Iterator[Finding]:
    """Accounts that are not in the settings, and hold slots."""
    counts: Counter[str] = Counter()
    for channel, n in held.items():
        counts[channel.account] += n
    for account, n in sorted(counts.items()):
        check, found = f"account {account}", f"{n} pictures under way"
        yield Finding(check, Verdict.FAILED, found, "doctor.account_removed")


def resting(channels: list[lanes.Channel]) -> Iterator[Finding]:
    records = lanes.read_all([channel.record for channel in channels])
    for channel in channels:
        record = records[channel.record]
        if lanes.is_resting(record):
            found = (
                f"{channel.lane}: {record.refused} until {record.not_before:%H:%M:%S}Z"
            )
            check, advice = f"account {channel.account}", f"error.{record.refused}"
            yield Finding(check, Verdict.FAILED, found, advice)
