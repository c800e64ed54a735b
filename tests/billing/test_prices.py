"""What an output costs: at which account and moment, by which row; and a video."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.errors import ConnectionFailure

from jimeng.billing import costs
from jimeng.billing.costs import Price, account_price, highest_price
from jimeng.documents import Generation, PriceRow, utcnow
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
from tests.conftest import FakeProvider

BY_KEY = {model.req_key: model for model in MODELS}
MODEL, PRO = BY_KEY["jimeng_t2i_v40"], BY_KEY["doubao-seedream-5-0-pro-260628"]
UNPRICED = BY_KEY["jimeng_img2img_seed3_painting_edit"]
SMALL, LARGE = (1000, 1000), (2000, 2000)
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def registry() -> Registry:
    """Two accounts of both providers."""
    names = (MODEL.provider, PRO.provider)
    its = {name: FakeProvider() for name in names}
    for each in its.values():
        each.concurrency = 2
    return Registry(its, dict.fromkeys(names, 2), others={"studio": its})


def flat(micros: int) -> PriceBySize:
    return PriceBySize((Step(None, micros=micros),))


@pytest.fixture
def set_price(database):
    """Store a row, that holds from then on; all processes have read it."""

    def store(micros: int, account: str | None = None, ago=AN_HOUR, **fields) -> str:
        about = {"lane": MODEL.lane, "valid_from": utcnow() - ago, "by": "boss"}
        steps = [{"micros": micros}]
        row = PriceRow(account=account, steps=steps, **{**about, **fields})
        row.add()
        costs.clear_price_cache()
        return row.id

    return store


def test_without_rows_the_lists_hold(database):
    """That of the release, or the operator's file; their names say what they say."""
    assert account_price(MODEL, "main", SMALL) == Price("built-in:*:220000", 220_000)
    assert account_price(UNPRICED, "main", SMALL) is None
    assert highest_price(UNPRICED, SMALL) is None
    own = replace(MODEL, own_price=flat(185_000), account_prices={"studio": flat(1)})
    assert account_price(own, "main", SMALL).id == "models-file:*:185000"
    assert account_price(own, "studio", SMALL) == Price("models-file:studio:1", 1)
    assert highest_price(own, SMALL).micros == 185_000


@pytest.mark.parametrize(
    ("size", "micros"), [(SMALL, 300_000), (LARGE, 600_000), (None, 600_000)]
)
def test_price_goes_by_size(database, size, micros):
    """While the size is not known, the highest is held."""
    name = "built-in:*:2610000:300000,600000"

    assert highest_price(PRO, size) == Price(name, micros)


def test_latest_row_holds(set_price):
    """From its moment on, and what was before stays as it was."""
    set_price(100_000, ago=3 * AN_HOUR)
    latest = set_price(150_000)
    set_price(999_000, ago=-AN_HOUR)

    assert account_price(MODEL, "main", SMALL) == Price(latest, 150_000)
    then = [utcnow() - n * AN_HOUR for n in (4, 2)] + [utcnow() + 2 * AN_HOUR]
    found = [account_price(MODEL, "main", SMALL, at).micros for at in then]
    assert found == [220_000, 100_000, 999_000]


def test_price_of_an_account_goes_first(set_price):
    """Wherever it stands; the dearest of all that may draw is held."""
    own = replace(MODEL, account_prices={"studio": flat(300_000)})
    general = set_price(250_000)

    assert account_price(own, "main", SMALL).id == general
    assert account_price(own, "studio", SMALL).micros == 300_000
    assert highest_price(own, SMALL).micros == 300_000

    special = set_price(90_000, "studio", ago=2 * AN_HOUR)

    assert account_price(own, "studio", SMALL).id == special
    assert highest_price(own, SMALL) == Price(general, 250_000)


def test_dearest_is_found_for_each_size(database):
    """One account may be dearer for large pictures, the other for small ones."""
    steps = (Step(1_000_000, micros=300_000), Step(None, micros=100_000))
    own = replace(MODEL, account_prices={"studio": PriceBySize(steps)})

    found = costs.price_by_size(own)

    assert [found.of(*size) for size in (SMALL, LARGE)] == [300_000, 220_000]
    assert costs.price_by_size(MODEL).as_of is not None


def test_rows_are_read_once_in_a_while(set_price, monkeypatch):
    """What was read before holds, but for who wants them of this moment."""
    set_price(150_000)
    found = highest_price(MODEL, SMALL)
    read, asked = PriceRow.find_all, []

    def away(*args: object, **options: object) -> None:
        asked.append(args)
        raise ConnectionFailure("away")

    monkeypatch.setattr(PriceRow, "find_all", away)
    assert highest_price(MODEL, SMALL) == found
    assert asked == []

    monkeypatch.setattr(costs, "PRICE_CACHE_S", 0.0)
    assert highest_price(MODEL, SMALL) == found
    assert asked != []

    with pytest.raises(ConnectionFailure):
        costs.price_rows(fresh=True)
    costs.clear_price_cache()
    with pytest.raises(ConnectionFailure):
        highest_price(MODEL, SMALL)

    monkeypatch.setattr(PriceRow, "find_all", read)
    row = set_price(1, ago=timedelta(seconds=1))
    assert highest_price(MODEL, SMALL) == Price(row, 1)


@pytest.mark.parametrize(
    ("micros", "said"),
    [
        (220_000, "0.22"),
        (1_000_000, "1.00"),
        (1, "0.000001"),
        (12_345_600, "12.3456"),
        (-50_000, "-0.05"),
        (0, "0.00"),
    ],
)
def test_yuan_is_exact(micros, said):
    """Two decimals at least."""
    assert costs.yuan(micros) == said


YUAN = 1_000_000
HD, UHD = (Step(micros=n * YUAN, resolution=r) for r, n in (("1080p", 51), ("4k", 26)))


def tokens_at(yuan: float, *others: Step) -> PriceBySize:
    steps = (*others, Step(micros=round(yuan * YUAN)))
    return PriceBySize(steps, AS_OF, MILLION_TOKENS)


SEEDANCE_15 = tokens_at(16, Step(micros=8 * YUAN, sound=False))
SEEDANCE_20 = tokens_at(46, HD, UHD)
VISUAL = PriceBySize((Step(micros=280_000),), AS_OF, SECOND)
FILM = replace(
    MODEL, req_key="a-video-model", unit=MILLION_TOKENS, own_price=SEEDANCE_20
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


def new_generation(**fields: object) -> Generation:
    row = {"id": "g_0", "task_id": "g", "index": 0, "user_id": "ada", "account": "main"}
    return Generation.read({**row, "_id": "g_0", "lane": FILM.lane, **fields})


def test_hold_estimate_and_cost_of_a_video(app):
    """Held at the highest price, sent at the account's, and billed by what was used."""
    requested = Usage(tokens=108_900, resolution="720p", sound=True)
    studio = {"studio": tokens_at(60)}
    model = replace(FILM, account_prices=studio)

    held = costs.reserved_fields(model, None, utcnow(), requested)
    price = account_price(model, "main", SMALL, usage=requested)
    sent = costs.price_update(price)["$set"]

    assert held["hold_micros"] == 60 * 108_900
    assert sent["price_micros"] == 46 * 108_900
    assert sent["price_id"] == f"built-in:*:{SEEDANCE_20}"
    generation = new_generation(**sent)
    assert costs.cost_of(generation, "yes") == 46 * 108_900
    used = Usage(tokens=120_000, resolution="1080p", sound=True)
    assert costs.settled_fields(generation, used) == {"price_micros": 51 * 120_000}
    assert costs.settled_fields(new_generation(), used) == {}


def test_video_that_costs_more_than_was_held_is_named(app, caplog):
    """By the tokens that the provider reports: they count in full, and it is logged."""
    terms = costs.stored_price(tokens_at(60))
    for held, named in ((60 * 108_900, False), (60 * 108_899, True)):
        caplog.clear()
        generation = new_generation(price_terms=terms, held_micros=held)

        found = costs.settled_fields(generation, Usage(tokens=108_900))

        assert found == {"price_micros": 60 * 108_900}
        assert ("costs more than was held id=g_0" in caplog.text) is named


def test_price_of_another_unit_does_not_hold(set_price):
    """A price per picture says nothing about tokens."""
    set_price(1, lane=FILM.lane)

    assert costs.price_in_force(FILM, "main") is None
    assert "hold_micros" not in costs.reserved_fields(FILM, None, utcnow(), Usage())
