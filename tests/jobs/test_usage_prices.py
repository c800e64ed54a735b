"""What a video costs: by seconds or tokens, resolution and sound."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng.documents import Generation, PriceRow, utcnow
from jimeng.jobs import costs
from jimeng.providers import MODELS, Registry
from jimeng.providers.models.model import (
    AS_OF,
    MILLION_TOKENS,
    SECOND,
    PriceBySize,
    Step,
    Usage,
    dearest,
)

YUAN = 1_000_000
HD, UHD = (Step(micros=n * YUAN, resolution=r) for r, n in (("1080p", 51), ("4k", 26)))


def tokens_at(yuan: float, *others: Step) -> PriceBySize:
    steps = (*others, Step(micros=round(yuan * YUAN)))
    return PriceBySize(steps, AS_OF, MILLION_TOKENS)


SEEDANCE_15 = tokens_at(16, Step(micros=8 * YUAN, sound=False))
SEEDANCE_20 = tokens_at(46, HD, UHD)
VISUAL = PriceBySize((Step(micros=280_000),), AS_OF, SECOND)
MODEL = replace(
    next(each for each in MODELS if each.req_key == "jimeng_t2i_v40"),
    req_key="a-video-model",
    unit=MILLION_TOKENS,
    own_price=SEEDANCE_20,
)


@pytest.mark.parametrize(
    ("price", "usage", "micros"),
    [
        (SEEDANCE_20, Usage(tokens=108_900, resolution="720p"), 5_009_400),
        (SEEDANCE_20, Usage(tokens=245_025, resolution="1080p"), 12_496_275),
        (SEEDANCE_20, Usage(tokens=245_025, resolution="4k"), 6_370_650),
        (SEEDANCE_20, Usage(tokens=108_900), 51 * 108_900),
        (SEEDANCE_15, Usage(tokens=108_900, sound=True), 1_742_400),
        (SEEDANCE_15, Usage(tokens=108_900, sound=False), 871_200),
        (SEEDANCE_15, Usage(tokens=108_900), 1_742_400),
        (tokens_at(4.2), Usage(tokens=108_900), 457_380),
        (tokens_at(4.2), Usage(tokens=1), 5),
        (tokens_at(4.2), Usage(tokens=0), 0),
        (VISUAL, Usage(seconds=10), 2_800_000),
    ],
)
def test_cost_is_exact_and_rounded_up_once(price, usage, micros):
    """Of what is not known, the highest price that may apply."""
    assert price.cost(usage) == micros


def test_dearest_is_found_for_each_condition():
    """One account may be dearer with sound, the other at 1080p."""
    other = tokens_at(40, Step(micros=60 * YUAN, resolution="1080p", sound=True))

    found = dearest([SEEDANCE_20, other])

    def rate(resolution: str | None, sound: bool | None) -> int:
        return found.rate(Usage(resolution=resolution, sound=sound)) // YUAN

    assert rate("1080p", True) == 60
    assert rate("1080p", False) == 51
    assert rate("1080p", None) == 60
    assert [rate("4k", each) for each in (True, False, None)] == [40, 40, 40]
    assert [rate("720p", each) for each in (True, False, None)] == [46, 46, 46]
    assert rate(None, None) == 60
    silent = dearest([SEEDANCE_15, SEEDANCE_15])
    assert silent.rate(Usage(resolution="720p", sound=False)) == 8 * YUAN
    assert (found.unit, found.as_of) == (MILLION_TOKENS, None)


@pytest.fixture
def registry(provider) -> Registry:
    """Two accounts."""
    its = {MODEL.provider: provider}
    return Registry(its, {MODEL.provider: 2}, others={"studio": its})


def new_generation(**fields: object) -> Generation:
    row = {"id": "g_0", "task_id": "g", "index": 0, "user_id": "ada", "account": "main"}
    return Generation.read({**row, "_id": "g_0", "lane": MODEL.lane, **fields})


def test_hold_estimate_and_cost_of_a_video(app):
    """Held at the highest price, sent at the account's, and billed by what was used."""
    requested = Usage(tokens=108_900, resolution="720p", sound=True)
    studio = {"studio": tokens_at(60)}
    model = replace(MODEL, account_prices=studio)

    held = costs.reserved_fields(model, None, utcnow(), requested)
    sent = costs.price_update(new_generation(), model, requested)["$set"]

    assert held["hold_micros"] == 60 * 108_900
    assert sent["price_micros"] == 46 * 108_900
    assert sent["price_id"] == f"built-in:*:{SEEDANCE_20}"
    generation = new_generation(**sent)
    assert costs.cost_of(generation, "yes") == 46 * 108_900
    used = Usage(tokens=120_000, resolution="1080p", sound=True)
    assert costs.settled_fields(generation, used) == {"price_micros": 51 * 120_000}
    assert costs.settled_fields(new_generation(), used) == {}


def test_price_of_another_unit_does_not_hold(database, app):
    """A price per picture says nothing about tokens."""
    about = {"valid_from": utcnow() - timedelta(hours=1), "by": "boss"}
    PriceRow(lane=MODEL.lane, steps=[{"micros": 1}], **about).add()
    costs.clear_price_cache()

    assert costs.price_in_force(MODEL, "main") is None
    assert "hold_micros" not in costs.reserved_fields(MODEL, None, utcnow(), Usage())
