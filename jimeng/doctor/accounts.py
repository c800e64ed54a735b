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
    channels = lanes.read_channels(registry.limits)
    strangers = lanes.held_by_others({each.channel for each in channels})
    wrong = [*removed(strangers), *resting(channels)]
    yield from wrong
    if not wrong and len(registry.accounts) > 1:
        yield Finding("accounts", Verdict.OK, ", ".join(registry.accounts))


def limits(config: Config) -> Iterator[Finding]:
    """As many pictures are sent at a time as are configured."""
    for each in lanes.read_channels(jobs.runtime().registry.limits):
        if each.limit < each.configured:
            yield Finding(
                f"limit of {each.channel.record}",
                Verdict.WARNING,
                f"{each.limit} at a time, {each.configured} configured",
                "doctor.limit_lowered",
                (("lane", each.channel.lane),),
            )


def removed(held: Counter[lanes.Channel]) -> Iterator[Finding]:
    """Accounts that are not in the settings, and hold slots."""
    counts: Counter[str] = Counter()
    for channel, n in held.items():
        counts[channel.account] += n
    for account, n in sorted(counts.items()):
        check, found = f"account {account}", f"{n} pictures under way"
        yield Finding(check, Verdict.FAILED, found, "doctor.account_removed")


def resting(channels: list[lanes.ChannelState]) -> Iterator[Finding]:
    for each in channels:
        if lanes.is_resting(each.record):
            (lane, account), record = each.channel, each.record
            found = f"{lane}: {record.refused} until {record.not_before:%H:%M:%S}Z"
            check, advice = f"account {account}", f"error.{record.refused}"
            yield Finding(check, Verdict.FAILED, found, advice)
