"""
Accounts: submissions that the provider refuses, lowered limits, removed accounts with
slots; budgets that are spent, and models that a budget refuses, since they have no
price; and customers whom two shops' keys act for.
"""

from collections import Counter
from collections.abc import Iterator

from jimeng import jobs, lanes
from jimeng.accounts.keys import foreign_keys
from jimeng.billing import costs
from jimeng.billing.budgets import states_of_installation
from jimeng.billing.costs import yuan_short
from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.documents import ApiKey, User, utcnow
from jimeng.documents.spending import UNLIMITED, Budgets

# A budget of 0 allows nothing; absent is the default.
HAS_BUDGET = {
    "$or": [
        {name: {"$gte": 0}} for name in ("daily_budget_micros", "monthly_budget_micros")
    ]
}


def accounts(config: Config) -> Iterator[Finding]:
    """No removed account holds slots."""
    if not config.has_credentials:  # those of `make run` are not known here
        return
    registry = jobs.runtime().registry
    account_lanes = lanes.account_lanes_of(registry.limits)
    wrong = list(removed(lanes.count_foreign_slots(account_lanes)))
    yield from wrong
    if not wrong and len(registry.accounts) > 1:
        yield Finding("accounts", Verdict.OK, ", ".join(registry.accounts))


def limits(config: Config) -> Iterator[Finding]:
    """The limits of simultaneous pictures are the configured ones."""
    for each in lanes.read_lowered(jobs.runtime().registry.limits):
        yield Finding(
            f"limit of {each.account_lane.record}",
            Verdict.WARNING,
            f"{each.limit} at a time, {each.configured} configured",
            "doctor.limit_lowered",
            (("lane", each.account_lane.lane),),
        )


def budgets(config: Config) -> Iterator[Finding]:
    """The budgets of all users together are not spent, or nearly so."""
    for each in states_of_installation(config):
        amounts = f"¥{yuan_short(each.spent)} of ¥{yuan_short(each.limit)}"
        resets = each.reopens_at.isoformat(timespec="minutes")
        yield graded(
            *(f"budget of the {each.period}", f"{amounts}; resets {resets}"),
            (each.is_exceeded, Verdict.WARNING, "doctor.budget_spent"),
            (each.is_nearly_spent, Verdict.WARNING, "doctor.budget_nearly_spent"),
        )


def unpriced(config: Config) -> Iterator[Finding]:
    """While a budget applies to anybody, each model has a price."""
    if not is_any_budget(config):
        return
    offered = jobs.runtime().registry.models.values()
    unknown = [model for model in offered if costs.highest_price(model, None) is None]
    for name in dict.fromkeys(model.id for model in unknown):
        yield Finding(
            f"price of {name}",
            Verdict.WARNING,
            "unknown, and there are budgets",
            "error.price_unknown",
            (("model", name),),
        )
    if not unknown:
        yield Finding("prices", Verdict.OK)


def customers(config: Config) -> Iterator[Finding]:
    """Each customer has one shop: prefixes of two owners do not overlap."""
    found = ApiKey.find_all({"user_prefix": {"$exists": True}}, sort=[("_id", 1)])
    owners = User.find_all({"_id": {"$in": [key.user_id for key in found]}})
    emails = {user.id: user.email for user in owners}

    def named(key: ApiKey) -> str:
        return f"{key.name} ({key.id}, {emails.get(key.user_id, key.user_id)})"

    wrong = [
        Finding(
            f"customers of {other.user_prefix}",
            Verdict.WARNING,
            f"of {named(other)}, not of {named(key)}",
            "doctor.prefixes_overlap",
        )
        for key in found
        for other in foreign_keys(key.user_id, [key.user_prefix or ""])
    ]
    yield from wrong
    if found and not wrong:
        yield Finding("customers", Verdict.OK, f"{len(found)} keys")


def is_any_budget(config: Config) -> bool:
    """Whether the installation, a user or a key has a budget."""
    defaults = (Budgets.of_installation(config), UNLIMITED.or_default(config))
    return any(each.is_limited for each in defaults) or any(
        kind.find_one(HAS_BUDGET) is not None for kind in (User, ApiKey)
    )


def removed(held: Counter[lanes.AccountLane]) -> Iterator[Finding]:
    """Accounts that hold slots and are not in the settings."""
    counts: Counter[str] = Counter()
    for account_lane, n in held.items():
        counts[account_lane.account] += n
    for account, n in sorted(counts.items()):
        check, found = f"account {account}", f"{n} pictures under way"
        yield Finding(check, Verdict.FAILED, found, "doctor.account_removed")


def refusals(config: Config) -> Iterator[Finding]:
    """The provider has accepted the latest submission of each model."""
    registry = jobs.runtime().registry
    for each in lanes.read_failures(registry.limits):
        lane, account = each.account_lane
        model = registry.by_lane(lane)
        of_account = f" ({account})" if len(registry.accounts) > 1 else ""
        ago_s = max((utcnow() - each.latest_at).total_seconds(), 0)
        facts = (
            f"{each.count} of {each.count} failed since {each.since:%H:%M:%S}Z, "
            f"the latest {ago_s:.0f} s ago: {each.code}"
        )
        if each.suspended_until is not None:
            facts += f"; next attempt at {each.suspended_until:%H:%M:%S}Z"
        yield Finding(
            f"submissions of {model.id if model else lane}{of_account}",
            Verdict.WARNING if each.suspended_until is None else Verdict.FAILED,
            facts,
            f"error.{each.code}"
            if each.code in lanes.ACCOUNT_CODES
            else "doctor.provider_silent",
        )
