"""
Prices: what one output costs, at an account and at a moment. A picture has a price; a
video is billed by what it uses, in seconds or tokens.

The price of an account goes before the price for all accounts. Of either, the
operator's latest row goes before ``MODELS_FILE``, and that before the built-in price.
Rows are cached: a price costs no command, and a new row takes effect `LEAD_S` later at
the earliest, when all processes have read it.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pymongo.errors import PyMongoError

from jimeng.documents import PriceRow, utcnow
from jimeng.jobs.runtime import runtime
from jimeng.providers import Model
from jimeng.providers.models import Size
from jimeng.providers.models.model import PriceBySize, Step, Usage, dearest

log = logging.getLogger(__name__)

CACHE_S = 20.0
LEAD_S = 60.0

Rows = dict[tuple[str, str | None], list[PriceRow]]  # by lane and account, latest first
_cached: tuple[float, Rows] | None = None
_unreadable_until = 0.0  # by `time.monotonic`, for `by_size`


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


def hold_price(
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
        size, at, usage: As in `hold_price`. A moment in the past gives the price of
            then, unless it was that of ``MODELS_FILE`` or of the release.

    Raises:
        PyMongoError: as `hold_price`.
    """
    found = in_force(model, account, at)
    return found.of(size, usage) if found else None


def by_size(model: Model, at: datetime | None = None) -> PriceBySize | None:
    """
    The highest price at each size, over the accounts that may generate it; None if
    unknown, also while MongoDB is down and no rows were read before.
    """
    global _unreadable_until
    if time.monotonic() < _unreadable_until:  # of many models, only the first waits
        return None
    try:
        found = dict.fromkeys(each.by_size for each in _of_accounts(model, at))
    except PyMongoError:
        _unreadable_until = time.monotonic() + CACHE_S
        return None
    return dearest([*found]) if found else None


def in_force(
    model: Model, account: str, at: datetime | None = None
) -> PriceInForce | None:
    """
    The price that holds for an account; None if unknown.

    Raises:
        PyMongoError: as `hold_price`.
    """
    at, stored = at or utcnow(), rows()
    found = (
        _row_at(stored, model.lane, account, at)
        or listed(model.account_prices.get(account), account)
        or _row_at(stored, model.lane, None, at)
        or listed(model.price)
    )
    return found if found and found.by_size.unit == model.unit else None


def listed(price: PriceBySize | None, account: str = "*") -> PriceInForce | None:
    """A price of ``MODELS_FILE`` or of the release, named after what it says."""
    if price is None:
        return None
    origin = "built-in" if price.as_of else "models-file"
    return PriceInForce(f"{origin}:{account}:{price}", price)


def _of_accounts(model: Model, at: datetime | None) -> list[PriceInForce]:
    at = at or utcnow()
    accounts = runtime().registry.accounts_of(model.provider)
    found = (in_force(model, account, at) for account in accounts)
    return [each for each in found if each is not None]


def _row_at(
    stored: Rows, lane: str, account: str | None, at: datetime
) -> PriceInForce | None:
    found = stored.get((lane, account), ())
    row = next((row for row in found if row.valid_from <= at), None)
    return of_row(row) if row else None


def of_row(row: PriceRow) -> PriceInForce:
    return PriceInForce(row.id, read_price(row.unit, row.steps))


def read_price(unit: str, steps: Iterable[Mapping]) -> PriceBySize:
    """The price that is stored so."""
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
    """The fields by which `read_price` reads it."""
    values = map(asdict, price.steps)
    steps = [{n: v for n, v in each.items() if v is not None} for each in values]
    return {"unit": price.unit, "steps": steps}


def rows(*, fresh: bool = False) -> Rows:
    """
    The operator's rows, as of `CACHE_S` ago at most unless MongoDB is down.

    Args:
        fresh: Read them now.

    Raises:
        PyMongoError: as `hold_price`; always, if *fresh*.
    """
    global _cached
    if not fresh and _cached and time.monotonic() - _cached[0] < CACHE_S:
        return _cached[1]
    found: Rows = {}
    try:
        for row in PriceRow.find_all({}, sort=[("valid_from", -1)]):
            if not row.unread:
                found.setdefault((row.lane, row.account), []).append(row)
    except PyMongoError as error:
        if fresh or _cached is None:
            raise
        log.warning("prices not read: %s: %s", type(error).__name__, error)
        found = _cached[1]
    _cached = time.monotonic(), found
    return found


def clear_cache() -> None:
    """Drop this process's cache of the rows."""
    global _cached, _unreadable_until
    _cached, _unreadable_until = None, 0.0


def yuan(micros: int) -> str:
    """Format an amount in yuan, exactly, with at least two decimals: ``0.22``."""
    whole, rest = divmod(abs(micros), 1_000_000)
    decimals = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"
