"""
What a generation costs, and when that is known.

Its hold is written with it, its account's price when it is sent, and its charge when it
ends. Each write that decides a charge also marks it as unsettled, and `jobs.settlement`
enters that into the ledger.
"""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jimeng.documents import Generation, State, utcnow
from jimeng.jobs import prices
from jimeng.jobs.runtime import runtime
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models import Size
from jimeng.providers.models.model import Usage
from jimeng.providers.models.video import tokens_of

NOT_CHARGED, UNKNOWN, CHARGED = "no", "unknown", "yes"


def billing_day(at: datetime) -> str:
    """The day in ``BILLING_TIMEZONE``, ``2026-01-31``."""
    return at.astimezone(billing_zone()).date().isoformat()


def billing_zone() -> ZoneInfo:
    return _zone(runtime().config.BILLING_TIMEZONE)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def hold_fields(
    model: Model, size: Size | None, at: datetime, usage: Usage | None = None
) -> dict:
    """
    The fields of a new task for what each of its outputs may cost at most.

    Args:
        size: Width and height in pixels; None if unknown.
        usage: Of a video, as requested; None for pictures.
    """
    price = prices.hold_price(model, size, at, usage)
    held = {"hold_micros": price.micros, "price_id": price.id} if price else {}
    return {"budget_day": billing_day(at), **held}


def price_update(
    generation: Generation, model: Model, usage: Usage | None = None
) -> dict[str, dict]:
    """
    The update that stores what its account pays for an output that is sent now.

    Args:
        usage: Of a video, as requested: `price_micros` is an estimate until `settled`.
    """
    size = (generation.width, generation.height)
    price = prices.account_price(model, generation.of_account, size, usage=usage)
    if price is None:
        return {"$unset": {"price_id": "", "price_micros": "", "price_terms": ""}}
    stored: dict = {"price_id": price.id, "price_micros": price.micros}
    if price.terms:
        stored["price_terms"] = prices.stored_price(price.terms)
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


def settled(generation: Generation, usage: Usage) -> dict:
    """
    The fields of a video that was generated, by what it has used: at the price of the
    moment it was sent. They belong in the update that sets ``charged`` to ``yes``.
    """
    terms = generation.price_terms
    if terms is None:  # the price is not known
        return {}
    price = prices.read_price(terms["unit"], terms["steps"])
    return {"price_micros": price.cost(usage)}


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
