"""A model that has no price is refused under a budget: said where models are chosen."""

import re

import pytest

from jimeng.billing import costs
from jimeng.documents.principal import Principal
from jimeng.operations import prices
from jimeng.operations.prices import NewPrice
from tests.admin.pages import ENGLISH
from tests.rest import API, client_with, data_of

UNPRICED, PRICED = "jimeng-2.1", "doubao-seedream-3.0-t2i"
OPERATOR = Principal("root", is_operator=True)


def budget_unavailable(client) -> dict[str, str | None]:
    found = data_of(client.get(f"{API}/models", headers=ENGLISH))
    return {each["id"]: each["budget_unavailable"] for each in found}


def prices_in_form(client, path: str = "/") -> list[str]:
    """Of each model, in the order of the menu."""
    page = client.get(path, headers=ENGLISH).text
    return re.findall(r'<span class="model-price[^>]*>([^<]*)<', page)


@pytest.fixture
def priced(client, monkeypatch) -> None:
    """The operator has set the price, which is in force."""
    monkeypatch.setattr(costs, "PRICE_LEAD_S", 0.0)
    prices.add(OPERATOR, NewPrice(model=UNPRICED, yuan="0.22"))
    costs.clear_price_cache()


def test_model_without_a_price_says_so(client):
    """In the list for programs with the command, and in the form."""
    told = budget_unavailable(client)

    assert "flask prices add jimeng-2.1 YUAN" in told[UNPRICED]
    assert told[PRICED] is None
    for path in ("/", "/batches/new"):
        shown = prices_in_form(client, path)
        assert "price unknown" in shown and "¥0.20" in shown


@pytest.mark.parametrize("path", ["/", "/batches/new"])
def test_form_says_that_a_budget_refuses_it(app, config, registry, path):
    """Only to whom one applies."""
    with client_with(config, registry, DAILY_BUDGET=1) as client:
        shown = prices_in_form(client, path)

    assert "price unknown; refused under a budget" in shown
    assert "price unknown" not in shown


def test_nothing_is_said_once_it_has_a_price(client, priced):
    assert budget_unavailable(client)[UNPRICED] is None
    shown = prices_in_form(client)
    assert "¥0.22" in shown
