"""Each lane as its operator sees it, and each account's channel into it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from jimeng import jobs, lanes


@dataclass(frozen=True)
class AccountView:
    """
    What one account has of a lane.

    Attributes:
        account: Its name in the settings.
        slots_in_use: Pictures that the provider may be drawing for it now.
        limit: How many it may draw at a time now; None where the account is in the
            settings no longer, and nobody asks for its pictures.
        configured: What `limit` is unless the provider refused as many.
        back_off_until: It is given nothing until then, or None.
        refused: With which code the provider refused the account, which therefore
            rests; None if it did not.
    """

    account: str
    slots_in_use: int
    limit: int | None
    configured: int | None
    back_off_until: datetime | None
    refused: str | None


@dataclass(frozen=True)
class LaneView:
    """
    One provider's model.

    Attributes:
        model: The name that clients use; None where it is offered no longer.
        slots_in_use: Pictures that the provider may be drawing now.
        limit: How many it may draw at a time now; None where it is not offered.
        configured: What `limit` is unless the provider refused as many.
        pending: Pictures that wait and were never sent.
        retry: Pictures that wait after a refusal.
        back_off_until: Nothing is sent until then, or None.
        accounts: Each account's channel, those included that are there no longer and
            hold slots.
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
        """Whether there is more to tell of accounts than of the lane."""
        return len(self.accounts) > 1

    @property
    def strangers(self) -> list[AccountView]:
        """Accounts that are not in the settings, and hold slots."""
        return [each for each in self.accounts if each.limit is None]


def read(waiting: Counter[str], again: Counter[str]) -> list[LaneView]:
    """
    Args:
        waiting: Lane -> pictures in line that were never sent.
        again: Lane -> those that were.
    """
    states = lanes.read_account_lanes(jobs.runtime().registry.limits)
    known = {each.account_lane for each in states}
    strangers, taken = lanes.count_foreign_slots(known), lanes.used_slots_in(known)
    account_lanes: dict[str, list[AccountView]] = defaultdict(list)
    for each in states:
        view = _account(each, len(taken[each.account_lane]))
        account_lanes[each.account_lane.lane].append(view)
    for (lane, account), n in sorted(strangers.items()):
        account_lanes[lane].append(AccountView(account, n, None, None, None, None))
    names = sorted({*account_lanes, *waiting, *again})
    return [
        _lane(name, waiting[name], again[name], account_lanes[name]) for name in names
    ]


def _account(state: lanes.AccountLaneState, in_use: int) -> AccountView:
    record = state.record
    return AccountView(
        state.account_lane.account,
        in_use,
        state.limit,
        state.configured,
        record.not_before if lanes.is_backed_off(record) else None,
        record.refused,
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
