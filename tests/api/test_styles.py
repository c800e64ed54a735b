"""Styles: those with a name are expanded, any other is taken as it stands."""

from tests.conftest import run_queue
from tests.each import for_each
from tests.rest import API, create, data_of, task


def test_styles_are_listed_with_their_words(client):
    """About a dozen, each with an id, two names and a phrase of its own."""
    styles = data_of(client.get(f"{API}/styles"))

    assert len(styles) >= 12
    for name in ("id", "name_zh", "name_en", "phrase"):
        assert len({style[name] for style in styles}) == len(styles)
    assert all(style["name"] == style["name_zh"] for style in styles)
    assert all(style["name_zh"] in style["phrase"] for style in styles)


def test_names_follow_the_language(client):
    """Whoever prefers English reads English names."""
    answer = client.get(f"{API}/styles", headers={"Accept-Language": "en"})

    assert all(style["name"] == style["name_en"] for style in data_of(answer))


@for_each("named", ["id", "name_zh", "name_en"])
def test_named_style_is_expanded(client, provider, named):
    """Whichever of its names is used; the input stays as it was given."""
    style = data_of(client.get(f"{API}/styles"))[4]

    task_id = create(client, style=style[named].upper())
    run_queue()

    assert provider.requests[0].prompt == f"一只猫，{style['phrase']}"
    assert task(client, task_id)["input"]["style"] == style[named].upper()


def test_other_style_is_appended(client, provider):
    """Words of one's own follow the prompt unchanged."""
    create(client, prompt="  一只猫  ", style="  像孩子画的  ")

    run_queue()

    assert provider.requests[0].prompt == "一只猫，像孩子画的"
