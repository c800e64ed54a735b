"""
What an output costs: the price in force, what is reserved for it, and what is charged.

A picture has a price; a video is billed by what it uses, in seconds or tokens. The
price of an account goes before the price for all accounts. Of either, the operator's
latest row goes before ``MODELS_FILE``, and that before the built-in price. Rows are
cached: a price costs no command, and a new row takes effect `PRICE_LEAD_S` later at the
earliest, when all processes have read it.

The reservation of a generation is written with it, its account's price when it is sent,
and its charge when it ends. Each write that decides a charge also marks it as
unsettled, and `billing.settlement` enters that into the ledger.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from functools import cache
from time import monotonic
from zoneinfo import ZoneInfo

from pymongo.errors import PyMongoError

from jimeng.documents import Generation, PriceRow, State, utcnow
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models import Size
from jimeng.providers.models.model import FEN, PriceBySize, Step, Usage, dearest
from jimeng.providers.models.video import tokens_of

log = logging.getLogger(__name__)

PRICE_CACHE_S = 20.0
PRICE_LEAD_S = 60.0
NOT_CHARGED, UNKNOWN, CHARGED = "no", "unknown", "yes"

Rows = dict[tuple[str, str | None], list[PriceRow]]  # by lane and account, latest first


class _State(Remembered):
    cached_rows: tuple[float, Rows] | None = None
    unreadable_until = 0.0  # by `time.monotonic`, for `price_by_size`


_state = _State()


@dataclass(frozen=True)
class Price:
    """
    What one output costs.

    Attributes:
        id: The name of its row; the same name always means the same price.
        micros: Millionths of a yuan; of a video an estimate.
        terms: By which a video is billed; None for a picture.
    """

    id: str
    micros: int
    terms: PriceBySize | None = None


@dataclass(frozen=True)
class PriceInForce:
    """
    Attributes:
        id: The name of its row.
    """

    id: str
    by_size: PriceBySize

    def of(self, size: Size | None, usage: Usage | None = None) -> Price:
        """
        The price of an output.

        Args:
            size: Width and height in pixels; None if unknown, for the highest price.
            usage: What a video is billed by; None for a picture.
        """
        if usage:
            return Price(self.id, self.by_size.cost(usage), self.by_size)
        return Price(self.id, self.by_size.of(*size) if size else self.by_size.highest)


def highest_price(
    model: Model,
    size: Size | None,
    at: datetime | None = None,
    usage: Usage | None = None,
) -> Price | None:
    """
    The most that an output may cost: the highest price of the accounts that may
    generate it.

    Args:
        size: Width and height in pixels; None if unknown, for the highest of all sizes.
        at: The moment; by default now.
        usage: Of a video, as requested; None for a picture.

    Returns:
        None if no account's price is known.

    Raises:
        PyMongoError: no rows were read yet, and MongoDB does not answer.
    """
    found = [each.of(size, usage) for each in _of_accounts(model, at)]
    return max(found, key=lambda price: price.micros, default=None)


def account_price(
    model: Model,
    account: str,
    size: Size | None,
    at: datetime | None = None,
    usage: Usage | None = None,
) -> Price | None:
    """
    What an output costs if this account generates it; None if unknown.

    Args:
        size, at, usage: As in `highest_price`. A moment in the past gives the price of
            then, unless it was that of ``MODELS_FILE`` or of the release.

    Raises:
        PyMongoError: as `highest_price`.
    """
    found = price_in_force(model, account, at)
    return found.of(size, usage) if found else None


def price_by_size(model: Model) -> PriceBySize | None:
    """
    The highest price at each size, over the accounts that may generate it; None if
    unknown, also while MongoDB is down and no rows were read before.
    """
    if monotonic() < _state.unreadable_until:  # of many models, only the first waits
        return None
    try:
        found = dict.fromkeys(each.by_size for each in _of_accounts(model, None))
    except PyMongoError:
        _state.unreadable_until = monotonic() + PRICE_CACHE_S
        return None
    return dearest([*found]) if found else None


def price_in_force(
    model: Model, account: str, at: datetime | None = None
) -> PriceInForce | None:
    """
    The price that applies to an account; None if unknown.

    Raises:
        PyMongoError: as `highest_price`.
    """
    at, stored = at or utcnow(), price_rows()
    found = (
        _row_at(stored, model.lane, account, at)
        or listed_price(model.account_prices.get(account), account)
        or _row_at(stored, model.lane, None, at)
        or listed_price(model.price)
    )
    return found if found and found.by_size.unit == model.unit else None


def listed_price(price: PriceBySize | None, account: str = "*") -> PriceInForce | None:
    """A price of ``MODELS_FILE`` or of the release, named after what it says."""
    if price is None:
        return None
    origin = "built-in" if price.as_of else "models-file"
    return PriceInForce(f"{origin}:{account}:{price}", price)


def _of_accounts(model: Model, at: datetime | None) -> list[PriceInForce]:
    at = at or utcnow()
    accounts = runtime().registry.accounts_of(model.provider)
    found = (price_in_force(model, account, at) for account in accounts)
    return [each for each in found if each is not None]


def _row_at(
    stored: Rows, lane: str, account: str | None, at: datetime
) -> PriceInForce | None:
    found = stored.get((lane, account), ())
    row = next((row for row in found if row.valid_from <= at), None)
    return price_of_row(row) if row else None


def price_of_row(row: PriceRow) -> PriceInForce:
    return PriceInForce(row.id, read_price(row.unit, row.steps))


def read_price(unit: str, steps: Iterable[Mapping]) -> PriceBySize:
    """Decode a stored price."""
    found = (
        Step(
            each.get("up_to"),
            micros=each["micros"],
            resolution=each.get("resolution"),
            sound=each.get("sound"),
        )
        for each in steps
    )
    return PriceBySize(tuple(found), unit=unit)


def stored_price(price: PriceBySize) -> dict:
    """Encode a price for storage; `read_price` decodes it."""
    values = map(asdict, price.steps)
    steps = [{n: v for n, v in each.items() if v is not None} for each in values]
    return {"unit": price.unit, "steps": steps}


def price_rows(*, fresh: bool = False) -> Rows:
    """
    The operator's rows, as of `PRICE_CACHE_S` ago at most unless MongoDB is down.

    Args:
        fresh: Read them now.

    Raises:
        PyMongoError: as `highest_price`; always, if *fresh*.
    """
    cached = _state.cached_rows
    if not fresh and cached and monotonic() - cached[0] < PRICE_CACHE_S:
        return cached[1]
    found: Rows = {}
    try:
        for row in PriceRow.find_all({}, sort=[("valid_from", -1)]):
            if not row.unread:
                found.setdefault((row.lane, row.account), []).append(row)
    except PyMongoError as error:
        if fresh or cached is None:
            raise
        log.warning("prices not read: %s: %s", type(error).__name__, error)
        found = cached[1]
    _state.cached_rows = monotonic(), found
    return found


def clear_price_cache() -> None:
    """Drop this process's cache of the rows."""
    _state.cached_rows, _state.unreadable_until = None, 0.0


def billing_day(at: datetime) -> str:
    """The day in ``BILLING_TIMEZONE``, ``2026-01-31``."""
    return at.astimezone(billing_zone()).date().isoformat()


def today() -> date:
    """The day in ``BILLING_TIMEZONE``."""
    return date.fromisoformat(billing_day(utcnow()))


def day_begin(day: date) -> datetime:
    """When a day begins in ``BILLING_TIMEZONE``."""
    return datetime.combine(day, time.min, billing_zone())


def billing_zone() -> ZoneInfo:
    return _zone(runtime().config.BILLING_TIMEZONE)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def reserved_fields(
    model: Model, size: Size | None, at: datetime, usage: Usage | None = None
) -> dict:
    """
    The fields of a new task for what each of its outputs may cost at most.

    Args:
        size: Width and height in pixels; None if unknown.
        usage: Of a video, as requested; None for pictures.
    """
    price = highest_price(model, size, at, usage)
    reserved = {"hold_micros": price.micros, "price_id": price.id} if price else {}
    return {"budget_day": billing_day(at), **reserved}


def sending_price(
    generation: Generation, model: Model, video: VideoParameters | None
) -> Price | None:
    """
    What its account pays for an output that is sent now; None if unknown.

    Raises:
        PyMongoError: as `highest_price`.
    """
    size = (generation.width, generation.height)
    usage = usage_of(video, size) if video else None
    return account_price(model, generation.of_account, size, usage=usage)


def price_update(price: Price | None) -> dict[str, dict]:
    """
    The update that stores what is paid for an output that is sent now. That of a video
    is an estimate until `settled_fields`.
    """
    if price is None:
        return {"$unset": {"price_id": "", "price_micros": "", "price_terms": ""}}
    stored: dict = {"price_id": price.id, "price_micros": price.micros}
    if price.terms:
        stored["price_terms"] = stored_price(price.terms)
    return {"$set": stored}


def usage_of(video: VideoParameters, size: Size, *, tokens: int | None = None) -> Usage:
    """
    What a video is billed by.

    Args:
        size: Width and height in pixels.
        tokens: As reported; None before.
    """
    seconds = video.duration or 0
    return Usage(
        seconds=seconds,
        tokens=tokens_of(*size, seconds) if tokens is None else tokens,
        resolution=video.resolution,
        sound=bool(video.audio),
    )


def settled_fields(generation: Generation, usage: Usage) -> dict:
    """
    The fields of a video that was generated, by what it has used: at the price of the
    moment it was sent. They belong in the update that sets ``charged`` to ``yes``.
    """
    terms = generation.price_terms
    if terms is None:  # the price is not known
        return {}
    micros = read_price(terms["unit"], terms["steps"]).cost(usage)
    held = generation.held_micros
    if held is not None and micros > held:
        about = generation.id, micros, held, usage.tokens
        log.error("video costs more than was held id=%s %d > %d tokens=%s", *about)
    return {"price_micros": micros}


def charge(charged: str) -> dict:
    """The fields of a generation whose charge is decided, for now or for good."""
    return {"charged": charged, "charged_at": utcnow(), "unsettled": True}


def end(state: State, charged: str) -> dict:
    """The fields of a generation that ends."""
    return {"state": state.value, "ended_at": utcnow(), **charge(charged)}


def charge_of(generation: Generation) -> str:
    """Whether it was charged: not if it was never sent, whatever is stored."""
    if generation.state == State.DROPPED.value:
        return NOT_CHARGED
    known = generation.charged in (NOT_CHARGED, CHARGED)
    return generation.charged if known else UNKNOWN


def has_cost(generation: Generation) -> bool:
    """Whether it has a cost at all: not if an earlier release created and sent it."""
    return generation.budget_day is not None or generation.price_micros is not None


def cost_of(generation: Generation, charged: str) -> int | None:
    """Its cost in micro-yuan if it is *charged* so; None if that is unknown."""
    if charged == NOT_CHARGED:
        return 0 if has_cost(generation) else None
    return generation.price_micros if charged == CHARGED else None


def yuan(micros: int) -> str:
    """Format an amount in yuan, exactly, with at least two decimals: ``0.22``."""
    whole, rest = divmod(abs(micros), 1_000_000)
    decimals = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


def yuan_short(micros: int) -> str:
    """The same, rounded to the fen where there is at least one."""
    return yuan(micros if micros < FEN else round(micros / FEN) * FEN)
