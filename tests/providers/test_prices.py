"""What a picture costs: by the table, by its size, or as the operator says."""

import json

import pytest

from jimeng.errors import ConfigError
from jimeng.providers import MODELS, PROVIDERS
from jimeng.providers.models.file import load_models
from jimeng.providers.models.model import AS_OF, FEN, PRICES
from tests.each import for_each

BY_KEY = {model.req_key: model for model in MODELS}
PRO = BY_KEY["doubao-seedream-5-0-pro-260628"]


def test_table_knows_only_models_that_there_are():
    """A price of nothing would be a slip of the pen."""
    assert set(PRICES) <= set(BY_KEY)


@for_each(
    ("size", "fen"),
    [((1024, 1024), 30), ((1600, 1631), 30), ((1600, 1632), 60), ((2048, 2048), 60)],
)
def test_larger_pictures_may_cost_more(size, fen):
    """Up to 2.61 megapixels, and beyond."""
    assert PRO.price is not None
    assert PRO.price.of(*size) == fen * FEN


def test_what_nobody_knows_stays_unknown():
    """Neither free nor guessed."""
    assert BY_KEY["jimeng_img2img_seed3_painting_edit"].price is None
    assert BY_KEY["jimeng_t2i_v40"].price.of(4096, 4096) == 220_000
    assert BY_KEY["jimeng_t2i_v40"].price.as_of == AS_OF


@pytest.fixture
def load(tmp_path):
    """The price of 4.0 on Visual, with that one in ``MODELS_FILE``."""

    def load(price: object):
        file = tmp_path / "models.json"
        row = {"id": "doubao-seedream-4.0", "provider": "volcengine_jimeng"}
        file.write_text(json.dumps([{**row, "price": price}]), "utf-8")
        models = load_models(str(file), PROVIDERS)
        return {model.req_key: model.price for model in models}["jimeng_t2i_v40"]

    return load


def test_operators_price_goes_first(load):
    """Flat, or by pixels; it has no date. Null is the table's."""
    assert load(18).of(1, 1) == 180_000
    stepped = load([[1_000_000, 10], [None, 15]])
    assert (stepped.of(1000, 1000), stepped.of(1000, 1001)) == (100_000, 150_000)
    assert stepped.as_of is None
    assert load(None).of(1, 1) == 220_000


@pytest.mark.parametrize(
    "price",
    [
        *(-1, 0.5, "20", [], [[None, 1], [5, 2]], [[5, 1]], [5, 1]),
        *([[9, 1], [5, 2], [None, 3]], [[0, 1], [None, 2]], True),
    ],
)
def test_other_prices_are_refused(load, price):
    """The file, the row and the field are named."""
    with pytest.raises(ConfigError, match=r'row 1: "price[".]'):
        load(price)


def test_accounts_may_have_prices_of_their_own(tmp_path):
    """Of accounts that there are."""
    file = tmp_path / "models.json"
    row = {"id": "doubao-seedream-4.0", "provider": "volcengine_jimeng"}
    prices = {"studio": [[1_000_000, 30], [None, 10]]}
    file.write_text(json.dumps([{**row, "account_prices": prices}]), "utf-8")

    models = load_models(str(file), PROVIDERS, ["main", "studio"])

    (model,) = [each for each in models if each.req_key == "jimeng_t2i_v40"]
    assert str(model.price) == "220000"
    assert str(model.account_prices["studio"]) == "1000000:300000,100000"
    with pytest.raises(ConfigError, match="'studio', which is none of main"):
        load_models(str(file), PROVIDERS)
