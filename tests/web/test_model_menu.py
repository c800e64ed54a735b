"""The menu of models: which to take, and what it costs."""

import re

import pytest

from jimeng.i18n import MESSAGES
from jimeng.providers import MODELS, Registry
from jimeng.web.create.options import in_form
from tests.conftest import FakeProvider

ENGLISH = {"Accept-Language": "en-GB"}


@pytest.fixture
def registry(provider) -> Registry:
    ark = FakeProvider()
    ark.label = ("方舟", "Ark")
    both = {"volcengine_jimeng": provider, "volcengine_ark": ark}
    return Registry(both, dict.fromkeys(both, 2))


def test_no_two_have_one_name(client):
    """Both providers offer 4.0: then each says whose it is."""
    page = client.get("/", headers=ENGLISH).text
    names = re.findall(r'class="model-name" data-label>([^<]+)<', page)

    assert len(names) == len(set(names)) > 5
    assert {"Seedream 4.0 (Jimeng)", "Seedream 4.0 (Ark)", "Seedream 4.5"} <= set(names)


def test_each_says_what_it_is_good_for(client):
    """In both languages, with its price and the pictures that it takes."""
    page = client.get("/", headers=ENGLISH).text.replace("\N{NO-BREAK SPACE}", " ")

    for model in filter(in_form, MODELS):
        assert f"model.{model.id}" in MESSAGES, model.id
    assert "Start here" in page
    assert "¥0.30–¥0.60" in page and "up to 14 references" in page
    assert "推荐先用" in client.get("/").text
