"""The state of each lane, and of each account in it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from jimeng import jobs, lanes


@dataclass(frozen=True)
class AccountView:
    """
    The state of one account in a lane.

    Attributes:
        account: Its name in the settings.
        slots_in_use: Pictures that the provider may be generating for it.
        limit: The current limit of simultaneous pictures; None if the account is no
            longer in the settings, so that its pictures are not polled.
        configured: The configured limit.
        back_off_until: The end of its back-off, or None.
        refused: The code with which the provider refused the account, which is
            therefore suspended; None if it did not.
        is_lowered: Whether to tell that the limit is below the configured one.
        failures: The submissions that failed in a row for its sake, as told; or None.
    """

    account: str
    slots_in_use: int
    limit: int | None
    configured: int | None
    back_off_until: datetime | None
    refused: str | None
    is_lowered: bool = False
    failures: lanes.Failures | None = None


@dataclass(frozen=True)
class LaneView:
    """
    The state of one provider's model.

    Attributes:
        model: The name that clients use; None if it is no longer offered.
        slots_in_use: Pictures that the provider may be generating.
        limit: The current limit of simultaneous pictures; None if it is not offered.
        configured: The configured limit.
        pending: Waiting pictures that were never sent.
        retry: Pictures that wait after a refusal.
        back_off_until: The end of the back-off of all accounts, or None.
        accounts: The state of each account, including removed ones that have slots.
    """

    id: str
    provider: str
    model: str | None
    slots_in_use: int
    limit: int | None
    configured: int | None
    pending: int
    retry: int
    back_off_until: datetime | None
    accounts: list[AccountView]

    @property
    def is_shared(self) -> bool:
        """Whether the lane has several accounts."""
        return len(self.accounts) > 1

    @property
    def failures(self) -> lanes.Failures | None:
        """Of its only account; with several accounts they are told of each."""
        is_single = len(self.accounts) == 1
        return self.accounts[0].failures if is_single else None

    @property
    def is_lowered(self) -> bool:
        """Whether to tell that the limit is below the configured one."""
        return any(each.is_lowered for each in self.accounts)

    @property
    def strangers(self) -> list[AccountView]:
        """Accounts that have slots and are not in the settings."""
        return [each for each in self.accounts if each.limit is None]


def read_lanes(waiting: Counter[str], again: Counter[str]) -> list[LaneView]:
    """
    Read the state of all lanes.

    Args:
        waiting: Lane -> queued pictures that were never sent.
        again: Lane -> queued pictures that were sent before.
    """
    states = lanes.read_account_lanes(jobs.runtime().registry.limits)
    known = {each.account_lane for each in states}
    strangers = lanes.count_foreign_slots(known)
    used_slots = lanes.used_slots_in(known)
    account_lanes: dict[str, list[AccountView]] = defaultdict(list)
    for each in states:
        lane = each.account_lane.lane
        is_lowered = each.is_lowered(is_waiting=bool(waiting[lane] or again[lane]))
        view = _account(each, len(used_slots[each.account_lane]), is_lowered)
        account_lanes[lane].append(view)
    for (lane, account), n in sorted(strangers.items()):
        account_lanes[lane].append(AccountView(account, n, None, None, None, None))
    names = sorted({*account_lanes, *waiting, *again})
    return [
        _lane(name, waiting[name], again[name], account_lanes[name]) for name in names
    ]


def _account(
    state: lanes.AccountLaneState, in_use: int, is_lowered: bool
) -> AccountView:
    record = state.record
    return AccountView(
        state.account_lane.account,
        in_use,
        state.limit,
        state.configured,
        record.not_before if lanes.is_backed_off(record) else None,
        record.refused,
        is_lowered,
        lanes.failures_of(state),
    )


def _lane(name: str, pending: int, retry: int, its: list[AccountView]) -> LaneView:
    model = jobs.runtime().registry.by_lane(name)
    here = [each for each in its if each.limit is not None]
    awake = [each for each in here if each.back_off_until is None]
    until = min(
        (each.back_off_until for each in here if each.back_off_until), default=None
    )
    return LaneView(
        id=name,
        provider=name.partition(":")[0],
        model=model.id if model else None,
        slots_in_use=sum(each.slots_in_use for each in its),
        limit=sum(each.limit or 0 for each in here) if here else None,
        configured=sum(each.configured or 0 for each in here) if here else None,
        pending=pending,
        retry=retry,
        back_off_until=None if awake else until,
        accounts=its,
    )
