"""Prices: list current and future ones, set new ones, and remove future ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pymongo.errors import DuplicateKeyError

from jimeng import jobs
from jimeng.billing import costs
from jimeng.billing.costs import PriceInForce
from jimeng.config.values import parse_yuan
from jimeng.documents import PriceRow, User, indexes, utcnow
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.principal import Principal, recorded
from jimeng.errors import Invalid
from jimeng.providers import Model
from jimeng.providers.models.model import (
    MILLION_TOKENS,
    PICTURE,
    SECOND,
    PriceBySize,
    Step,
)

PIXELS = re.compile(r"[1-9]\d{0,8}", re.ASCII)
DATE = re.compile(r"2\d{3}-\d\d-\d\d", re.ASCII)
# A condition is a resolution, or one of these words.
SOUND = {"sound": True, "silent": False}
MAX_SUPERSEDED = 20  # on one page
RESOLUTION = re.compile(r"[1-9]\d{0,4}[pk]", re.ASCII)
PER = {PICTURE: "picture", SECOND: "second", MILLION_TOKENS: "million tokens"}


@dataclass(frozen=True)
class PriceEntry:
    """
    A current or future price.

    Attributes:
        account: The account that it is for; None for all.
        price: None if unknown.
        row: The operator's row; None for a price of ``MODELS_FILE`` or of the release.
        is_future: It is not in force yet.
        can_be_removed: No process may apply it already.
    """

    model: Model
    account: str | None
    price: PriceInForce | None
    row: PriceRow | None = None
    is_future: bool = False
    can_be_removed: bool = False


@dataclass(frozen=True)
class PriceList:
    """
    Attributes:
        entries: By model, those for all accounts first, and what is in force first.
        accounts: The names of the accounts.
        superseded: A page of the rows that were in force, latest first.
        names: User id -> name of those who set the rows, as far as known.
    """

    entries: list[PriceEntry]
    accounts: list[str]
    superseded: Page[PriceRow]
    names: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class NewPrice:
    """
    A price as entered.

    Attributes:
        model: A name of the model, or its lane.
        account: The account that pays it; empty for all without their own.
        yuan: The price of one unit of the model's, such as ``0.22``.
        up_to: Pixels up to which that applies; empty for any size, and for videos.
        above: The price of larger outputs, if *up_to* is set.
        others: Other prices of videos, by resolution and sound, such as
            ``1080p=51 4k=26 720p+silent=8``; the first that covers a video applies.
        day: The day, in ``BILLING_TIMEZONE``, from whose start it applies; empty for at
            once.
    """

    model: str
    account: str = ""
    yuan: str
    up_to: str = ""
    above: str = ""
    others: str = ""
    day: str = ""


def price_list(principal: Principal, *, cursor: str | None = None) -> PriceList:
    """
    Args:
        cursor: Of the page of superseded prices.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    principal.require_operator("prices")
    registry, rows = jobs.runtime().registry, costs.price_rows(fresh=True)
    entries = [
        entry
        for model in registry.models.values()
        for account in (None, *registry.accounts_of(model.provider))
        for entry in _entries(model, account, rows)
    ]
    shown = [each.row for each in entries if each.row]
    past = {
        "_id": {"$nin": [row.id for row in shown]},
        "valid_from": {"$lte": utcnow()},
    }
    found = page_of(PriceRow.collection(), past, "valid_from", cursor, MAX_SUPERSEDED)
    superseded = found.read(PriceRow.read_all)
    names = User.names({row.by for row in (*shown, *superseded.rows)})
    return PriceList(entries, registry.accounts, superseded, names)


def _entries(
    model: Model, account: str | None, rows: costs.Rows
) -> Iterator[PriceEntry]:
    """The current price, if there is one; then future ones."""
    now, its = utcnow(), rows.get((model.lane, account), [])
    future = [row for row in reversed(its) if row.valid_from > now]
    current = next((row for row in its if row.valid_from <= now), None)
    if current is not None:
        yield PriceEntry(model, account, costs.price_of_row(current), current)
    elif account is None:
        yield PriceEntry(model, None, costs.listed_price(model.price))
    elif account in model.account_prices:
        listed = costs.listed_price(model.account_prices[account], account)
        yield PriceEntry(model, account, listed)
    for row in future:
        yield PriceEntry(
            model,
            account,
            costs.price_of_row(row),
            row,
            is_future=True,
            can_be_removed=row.valid_from > _earliest(now),
        )


def price_text(price: PriceBySize) -> str:
    """``¥0.22``, ``¥0.30 (≤ 2,610,000 px), ¥0.60``, or ``¥51.00 (1080p), ¥46.00``."""
    return ", ".join(map(_step_text, price.steps))


def _step_text(step: Step) -> str:
    amount = f"¥{costs.yuan(step.micros)}"
    if step.up_to:
        return f"{amount} (≤ {step.up_to:,} px)"
    sound = next((name for name, on in SOUND.items() if on is step.sound), None)
    conditions = " ".join(filter(None, (step.resolution, sound)))
    return f"{amount} ({conditions})" if conditions else amount


def add(principal: Principal, new: NewPrice) -> PriceRow:
    """
    Set a price from a moment on. What is settled keeps its cost. Audited.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: there is no such model or account, an amount or a number of pixels is
            malformed, the day has begun already, or there is a price from that moment.
        IndexMissing: its unique index does not exist.
    """
    principal.require_operator("prices")
    registry = jobs.runtime().registry
    model = registry.by_lane(new.model) or registry.model(new.model, makes=None)
    known = registry.accounts_of(model.provider)
    if new.account and new.account not in known:
        raise Invalid.field("account", "invalid.choice", known=", ".join(known))
    row = PriceRow(
        lane=model.lane,
        account=new.account or None,
        unit=model.unit,
        steps=_steps(new, model.unit),
        valid_from=_moment(new.day),
        by=principal.user_id,
    )
    indexes.require(indexes.PRICES)
    details = {
        "model": model.id,
        "price": price_text(costs.price_of_row(row).by_size),
        **({"per": PER[row.unit]} if row.unit != PICTURE else {}),
        "valid_from": f"{row.valid_from:%Y-%m-%d %H:%M}Z",
        **({"account": row.account} if row.account else {}),
    }
    with recorded(principal, "prices.add", **details):
        try:
            row.add()
        except DuplicateKeyError as error:
            raise Invalid.field("day", "invalid.price_twice") from error
    costs.clear_price_cache()
    return row


def remove(principal: Principal, price_id: str) -> None:
    """
    Remove a price that is not in force yet. Audited.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: it is in force, or soon is, or there is no such price.
    """
    principal.require_operator("prices")
    with recorded(principal, "prices.remove", price_id):
        where = {"_id": price_id, "valid_from": {"$gt": _earliest(utcnow())}}
        if not PriceRow.collection().delete_one(where).deleted_count:
            raise Invalid.field("price", "invalid.price_fixed")
    costs.clear_price_cache()


def _earliest(now: datetime) -> datetime:
    """When all processes will have read what is stored now."""
    return now + timedelta(seconds=costs.PRICE_LEAD_S)


def _steps(new: NewPrice, unit: str) -> list[dict]:
    micros = micros_of("yuan", new.yuan)
    if unit != PICTURE:
        if new.up_to or new.above:
            raise Invalid.field("up_to", "invalid.price_by_size")
        return [*map(_other, new.others.split()), {"micros": micros}]
    if new.others:
        raise Invalid.field("others", "invalid.price_of_pictures")
    if not (new.up_to or new.above):
        return [{"micros": micros}]
    if not PIXELS.fullmatch(new.up_to):
        raise Invalid.field("up_to", "invalid.integer")
    first = {"up_to": int(new.up_to), "micros": micros}
    return [first, {"micros": micros_of("above", new.above)}]


def _other(text: str) -> dict:
    """A price of videos, such as ``720p+silent=8``, as a step."""
    conditions, _, amount = text.partition("=")
    step: dict = {"micros": micros_of("others", amount)}
    for word in conditions.split("+"):
        name = "sound" if word in SOUND else "resolution"
        is_known = word in SOUND or RESOLUTION.fullmatch(word)
        if name in step or not is_known:
            raise Invalid.field("others", "invalid.price_others")
        step[name] = SOUND.get(word, word)
    return step


def micros_of(field: str, text: str) -> int:
    try:
        return parse_yuan(text)
    except ValueError:
        raise Invalid.field(field, "invalid.yuan") from None


def _moment(day: str) -> datetime:
    """The start of that day, or else the earliest moment."""
    earliest = _earliest(utcnow())
    if not day:
        return earliest
    try:
        begins = date.fromisoformat(day) if DATE.fullmatch(day) else None
    except ValueError:
        begins = None
    if begins is None:
        raise Invalid.field("day", "invalid.date")
    zone = ZoneInfo(jobs.runtime().config.BILLING_TIMEZONE)
    moment = datetime.combine(begins, time.min, zone).astimezone(UTC)
    if moment < earliest:
        raise Invalid.field("day", "invalid.price_past")
    return moment
