"""The form: what each model offers and costs, how it begins, what it keeps, errors."""

import html
import json
import re
from urllib.parse import urlencode

import pytest

from jimeng.documents import Batch, Task
from jimeng.http import auth
from jimeng.i18n import MESSAGES
from jimeng.providers import MODELS, Registry
from jimeng.providers.models.output_size import size_for_ratio
from jimeng.web.create import options
from jimeng.web.site.formats import yuan_short
from tests.conftest import FakeProvider
from tests.each import for_each
from tests.page import PROMPT, ask, choices, chosen, ids, new_task, send
from tests.rest import create

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
USUAL, NO_SEED, SMALL = "doubao-seedream-3.0-t2i", "jimeng-4.6", "jimeng-2.1"
PRO = "doubao-seedream-5.0-pro"
OFFERED = [model for model in MODELS if options.in_form(model)]


@pytest.fixture
def registry(provider) -> Registry:
    """Of both services, each with its name."""
    ark = FakeProvider()
    ark.label = ("方舟", "Ark")
    return Registry({VISUAL: provider, ARK: ark}, {VISUAL: 2, ARK: 2})


def offered(page, name: str) -> list[str]:
    return re.findall(rf'<input type="radio" name="{name}" value="([^"]*)"', page.text)


def errors(page) -> dict[str, str]:
    """What is said beside each field."""
    found = re.findall(
        r'<div id="errors-(\w+)"[^>]*><p class="error">([^<]*)', page.text
    )
    return dict(found)


def stored(client) -> Task:
    return Task.find_one({"_id": ids(client.get("/"))[0]})


@for_each(
    ("model", "resolutions", "takes_seed", "most"),
    [
        (USUAL, ["1K", "2K"], True, 800),
        (NO_SEED, ["1K", "2K", "4K"], False, 800),
        (SMALL, ["standard", "hd"], True, 800),
        (PRO, ["1K", "1.5K", "2K"], False, 800),
        ("doubao-seedream-4.5", ["2K", "4K"], False, 800),
    ],
)
def test_choices_follow_the_model(client, model, resolutions, takes_seed, most):
    part = choices(client, model=model)

    assert "<html" not in part.text
    assert offered(part, "resolution") == resolutions
    assert ('name="seed"' in part.text) is takes_seed
    assert offered(part, "n") == ["1", "2", "3", "4"]
    assert f'data-most="{most}"' in part.text


def test_every_choice_of_every_model_is_drawn_by_it(app):
    """No combination of shape and resolution is one that the model refuses."""
    for model in OFFERED:
        for each in options.resolutions(model):
            for ratio in model.sizes:
                assert model.fits(*size_for_ratio(model, ratio, each.area))


@for_each(
    ("fields", "kept"),
    [
        ({"size": "16:9", "n": "3"}, {"size": "16:9", "n": "3", "resolution": "2K"}),
        # What was the standard of one is the standard of the other.
        ({"of": USUAL, "resolution": "1K"}, {"resolution": "2K"}),
        ({"of": USUAL, "resolution": "2K"}, {"resolution": "4K"}),
        ({"of": PRO, "resolution": "1.5K"}, {"resolution": "1K"}),
        ({"resolution": "1K"}, {"resolution": "1K"}),
        ({"quality": "hd"}, {"resolution": "4K"}),
        ({"size": "4k"}, {"size": "1:1", "resolution": "4K"}),
        ({"size": "2560x1440"}, {"size": "16:9", "resolution": "2K"}),
        ({"size": "1600x1200"}, {"size": "1600x1200"}),
        ({"size": "512x384"}, {"size": "4:3"}),
        ({"size": "5:4"}, {"size": "4:3"}),
        ({"size": "nonsense"}, {"size": "1:1"}),
        ({"n": "9"}, {"n": "4"}),
        ({"n": "many"}, {"n": "1"}),
        ({"seed": "7"}, {"seed": None}),
        ({"style": "ink"}, {"style": "ink"}),
        ({"style": "水墨"}, {"style": "ink"}),
        ({"style": "woodcut"}, {"style_own": "woodcut", "style": None}),
    ],
)
def test_values_stay_if_the_new_model_takes_them(client, fields, kept):
    """Another model keeps what it can, and the nearest of the rest."""
    part = choices(client, model=NO_SEED, **fields)

    assert {name: chosen(part, name) for name in kept} == kept


def test_pixels_of_each_choice_are_there_to_be_told(client):
    """The page says what a shape and a resolution come to, without asking again."""
    part = choices(client, model=NO_SEED, size="21:9", resolution="1K")

    table = json.loads(html.unescape(re.search(r'data-pixels="([^"]*)"', part.text)[1]))
    assert table["21:9"] == {"1K": "1568×672", "2K": "3024×1296", "4K": "6197×2656"}
    assert re.search(r'id="pixels"[^>]*>1568×672', part.text)


def test_two_models_of_one_name_are_told_apart(client):
    """Each provider's can be chosen, says whose it is, and is the one that draws."""
    page = client.get("/", headers={"Accept-Language": "en"})
    values = offered(page, "model")
    names = re.findall(r'class="model-name" data-label>([^<]+)<', page.text)
    ark = f"{ARK}:doubao-seedream-4-0-250828"

    assert {"doubao-seedream-4.0", ark} <= set(values)
    assert len(values) == len(set(values)) == len(OFFERED) == len(set(names))
    assert {"Seedream 4.0 (Jimeng)", "Seedream 4.0 (Ark)", "Seedream 4.5"} <= set(names)
    # And what it is good for, its price, and the pictures that it takes.
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert {f"model.{model.id}" for model in OFFERED} <= set(MESSAGES)
    assert "Start here" in text
    assert "¥0.30–¥0.60" in text and "up to 14 references" in text
    ask(client, model=ark)
    assert stored(client).provider == ARK
    assert "推荐先用" in client.get("/").text


@for_each(
    ("fields", "size"),
    [
        ({}, (1328, 1328)),
        ({"resolution": "2K", "size": "16:9"}, (2048, 1152)),
        ({"model": NO_SEED, "resolution": "1K", "size": "16:9"}, (1408, 792)),
        ({"model": NO_SEED, "resolution": "4K", "size": "16:9"}, (5404, 3040)),
        ({"model": SMALL, "resolution": "hd"}, (768, 768)),
        ({"size": "1024x768", "resolution": "2K"}, (1024, 768)),
        ({"size": "4:3", "resolution": "'; drop"}, (1472, 1104)),
        # Sent without a script: the resolution is still that of the model before.
        ({"model": NO_SEED, "of": USUAL, "resolution": "1K"}, (2048, 2048)),
    ],
)
def test_choices_become_pixels(client, fields, size):
    ask(client, **fields)

    task = stored(client)
    assert (task.width, task.height) == size


def test_everything_is_asked_for(client):
    """All choices reach the task, and its record says them as the API would."""
    ask(client, model="jimeng-3.1", resolution="2K", n="2", seed="42", style="ink")

    task = stored(client)
    given = {"model": "jimeng-3.1", "n": 2, "seed": 42}
    assert {name: getattr(task, name) for name in given} == given
    assert task.seed_given is True
    assert task.prompt.startswith(f"{PROMPT}，中国水墨画")
    rest = {"prompt": PROMPT, "size": "1:1", "quality": "hd", "style": "ink"}
    assert task.input == given | rest
    ask(client, style="ink", style_own=" woodcut ")
    assert stored(client).prompt == f"{PROMPT}，woodcut", (
        "what one has written is meant"
    )


@for_each(
    ("fields", "wanted"),
    [
        ({"seed": "-7"}, {"seed": "0 to 2147483647"}),
        ({"seed": "٣"}, {"seed": "Must be an integer"}),
        ({"seed": "7", "model": NO_SEED}, {"seed": "does not take a seed"}),
        ({"style_own": "x" * 65}, {"style": "1 to 64"}),
        ({"prompt": "字" * 790, "style": "ink"}, {"prompt": "style included"}),
        ({"model": "nobody"}, {"model": "No such model"}),
        ({"size": "9000x9000"}, {"size": "This model takes"}),
        ({"n": "5"}, {"n": "Must be 1 to 4"}),
        ({"prompt": " \n "}, {"prompt": "Write a prompt first"}),
        # All at once, each by its name where the field is out of sight.
        (
            {"prompt": "字" * 801, "seed": "-7", "style_own": "x" * 65},
            {"prompt": "The prompt", "style": "Style: ", "seed": "Seed: "},
        ),
    ],
)
def test_errors_stand_at_their_field(client, fields, wanted):
    """Nothing is made, nothing that was written is lost, and the reason is said."""
    client.set_cookie("lang", "en")

    page = ask(client, htmx=True, **{"prompt": "保留", **fields})

    assert (page.status_code, page.headers["HX-Retarget"]) == (422, "#composer")
    assert list(errors(page)) == list(wanted)
    assert all(words in errors(page)[place] for place, words in wanted.items())
    assert "保留" in page.text or "prompt" in fields
    assert ids(client.get("/")) == []


def send_button(page) -> tuple[str, str, str]:
    """Of the main button: where it leads, how many it confirms, and what it says."""
    attributes, text = re.search(
        r'<button class="primary"([^>]*)>(.*?)</button>', page.text, re.S
    ).groups()
    found = re.search(r'name="confirmed" value="(\d+)"', attributes)
    action = re.search(r'formaction="([^"]+)"', attributes)
    said = re.sub(r"<[^>]+>", " ", text.partition('id="all"')[2].partition(">")[2])
    return action and action[1], found and found[1], " ".join(said.split())


def literal_button(page) -> str | None:
    found = re.search(
        r'<button[^>]* name="literal" value="1">(.*?)</button>', page.text
    )
    return found and re.sub(r"<[^>]+>", "", found[1])


@for_each("htmx", [False, True])
def test_alternatives_are_made_or_sent_as_written_by_choice(client, htmx):
    """
    Nothing is made before one of two buttons is pressed; each says what it makes and
    costs, keeps the count, and orders once however often it is pressed.
    """
    words = "一座{塔|桥}，{雪|雨}\n夜里"
    form = {"prompt": words, "n": "2", "token": f"form-choices-{htmx}"}

    page = ask(client, htmx=htmx, **form)

    assert page.status_code == 422
    assert (Task.find_all({}), Batch.objects.count()) == ([], 0)
    assert page.text.count('id="all"') == 1
    assert send_button(page) == ("/batches/new", "8", "生成 8 张 ¥1.60")
    assert literal_button(page) == "按原文生成 ×2 · ¥0.40"
    assert "2 × 2 × 2 = 8 张" in page.text and "<li>一座塔，雪 夜里</li>" in page.text
    assert "尚未提交" in errors(page)["prompt"]
    token = re.search(r'name="token" value="([^"]+)"', page.text)[1]
    assert token == form["token"]
    assert f"{words}</textarea>" in page.text

    sent = {"size": "1:1", **form, "confirmed": "8"}
    first, second = (send(client, "/batches/new", **sent) for _ in range(2))
    assert (first.status_code, second.location) == (303, first.location)
    (batch,) = Batch.objects
    assert batch.prompts[:2] == ["一座塔，雪 夜里", "一座塔，雨 夜里"]
    assert batch.n == 2
    for _ in range(2):
        assert ask(client, htmx=htmx, literal="1", **form).status_code in {200, 303}
    (task,) = Task.find_all({"batch": None})
    assert (task.prompt, task.n) == (words, 2)
    Task.collection().delete_many({})
    Batch.objects.delete()


@for_each(
    ("prompt", "is_asked"),
    [
        ("｛塔｜桥｝", True),
        ("{塔|塔}", True),
        ("{塔|\n桥}", True),
        ("塔|桥", False),
        ("{塔}", False),
        ("{塔|桥", False),
        ("塔|桥}", False),
        (r"\{塔\|桥\}", False),
        # The batch cannot be made, and what is wrong is said.
        ("{塔|桥}{雪}", True),
        ("{塔|{桥}}", True),
    ],
)
def test_group_is_what_a_batch_takes_for_one(client, prompt, is_asked):
    page = ask(client, prompt=prompt)

    assert page.status_code == (422 if is_asked else 303)
    assert [each.prompt for each in Task.find_all({})] == ([] if is_asked else [prompt])
    Task.collection().delete_many({})


def test_alternatives_that_make_no_batch_are_still_not_sent(client):
    """The main button promises nothing; what is wrong is said, beside the way on."""
    page = ask(client, prompt="{塔|桥}{雪}")

    assert send_button(page) == (None, None, "")
    assert "第 1 行" in page.text and literal_button(page) == "按原文生成 ¥0.20"
    # Wrong settings are said once, at their field.
    page = ask(client, prompt="{塔|桥}", seed="-7", literal="1")
    assert page.status_code == 422
    assert "2147483647" in errors(page)["seed"]
    assert page.text.count("2147483647") == 1
    assert Task.find_all({}) == []


def test_very_many_alternatives_are_previewed(client):
    """More than may be made with one press."""
    page = ask(client, prompt="{1|2|3|4|5|6|7|8}{a|b|c|d|e|f|g}")

    assert send_button(page) == ("/batches/preview", None, "预览 56 张 ¥11.20")
    # What will not be shown as a table is not called one.
    for words, n, said in [
        ("{塔|桥}", "1", "2 张，排成表格"),
        ("{1|2|3|4|5|6|7|8}{a|b|c|d|e|f|g}", "4", "224 张"),
        ("{塔|塔}", "2", "2 张"),
    ]:
        assert f"<summary>{said}</summary>" in ask(client, prompt=words, n=n).text


def offer(client, prompt: str, **fields: str) -> str:
    """What a script shows with a prompt, before it is sent."""
    body = {"prompt": prompt, "size": "1:1", "n": "1", **fields}
    return send(client, "/batches/offer", htmx=True, **body).text.strip()


def test_offer_is_of_alternatives_and_of_lines(client):
    """Neither of one prompt; what prevents the estimate is said, wherever it is."""
    assert offer(client, "猫\n猫") == ""
    lines = offer(client, "猫\n狗")
    assert 'name="template" value="猫\n狗"' in lines and "literal" not in lines
    choices = offer(client, "{猫|狗}")
    assert 'name="literal"' in choices and "template" not in choices
    assert 'data-url="/batches/new" data-pictures="2"' in choices
    wrong = offer(client, "{猫|狗}", seed="-7")
    assert "2147483647" in wrong and "data-url" not in wrong


def test_button_makes_as_many_as_it_says(client):
    """A form that was changed after the button was labelled is asked about again."""
    fields = {"size": "1:1", "n": "1", "confirmed": "2"}

    page = send(client, "/batches/new", prompt="{塔|桥|亭}", **fields)

    assert page.status_code == 422
    assert "现在是 3 张" in page.text and "请先勾选" not in page.text
    assert Batch.objects.count() == 0


def test_alternatives_that_were_sent_as_written_stay_so(client, provider, work_off):
    """Over REST, and when a task is repeated; the form asks about its words anew."""
    words = "一座{塔|桥}"
    task_id = create(client, user_id="guest", prompt=words)
    work_off()

    answer = send(client, f"/tasks/{task_id}/again", token="form-again")

    assert answer.status_code == 303
    assert [each.prompt for each in Task.find_all({})] == [words, words]
    page = client.get(f"/?again={task_id}")
    assert f"{words}</textarea>" in page.text and literal_button(page) is None
    assert ask(client, prompt=words).status_code == 422


def test_length_counts_the_words_of_the_style(client):
    page = client.get("/?prompt=abc&style=ink")

    now = re.search(r'class="counter-now">(\d+)<', page.text)[1]
    assert int(now) == len("abc，中国水墨画，留白，墨色浓淡相宜，宣纸质感")


def cost(page) -> tuple[str, dict]:
    """What the button says, and what it could come to say."""
    span = r'<span id="cost"[^>]+data-micros="([^"]*)"[^>]*>([^<]*)'
    found = re.search(span, page.text)
    return found[2], json.loads(html.unescape(found[1]))


@for_each(
    ("words", "said"),
    [
        ({"model": USUAL}, "¥0.20"),
        ({"model": USUAL, "n": "4"}, "×4 · ¥0.80"),
        ({"model": PRO, "size": "1:1", "resolution": "1K"}, "¥0.30"),
        ({"model": PRO, "size": "1:1", "resolution": "2K", "n": "2"}, "×2 · ¥1.20"),
        ({"model": SMALL, "n": "4"}, "×4"),
        ({"model": SMALL}, ""),
    ],
)
def test_button_says_count_and_price(client, words, said):
    """By model, size and count, without a script too; what is unknown is not said."""
    page = send(client, "/composer", **words)

    assert cost(page)[0] == said
    assert bool(cost(page)[1]) == ("¥" in said)


def test_price_comes_with_another_model(client):
    """The answer to a change holds the button's words, and the table behind them."""
    page = choices(client, model=PRO, n="3", size="1:1", resolution="1K")

    said, table = cost(page)
    assert said == "×3 · ¥0.90"
    assert (table["1:1"]["1K"], table["1:1"]["2K"]) == (300_000, 600_000)
    assert 'id="cost"' in page.text and 'hx-swap-oob="true"' in page.text


def test_without_scripts_the_price_is_of_one(app, client, monkeypatch):
    """What would not follow the choices is not said; in the demo nothing is."""
    page = client.get("/", query_string={"prompt": "猫", "model": PRO})

    price = '<noscript><span class="fine">每张 ¥0.30–¥0.60</span></noscript>'
    assert price in page.text
    monkeypatch.setitem(app.jinja_env.globals, "demo", True)
    page = send(client, "/composer", n="4")

    assert cost(page) == ("×4", {})
    assert "<noscript><span" not in page.text


@for_each(
    ("micros", "shown"),
    [(810_208, "¥0.81"), (2_005_000, "¥2.00"), (1_234, "¥0.001234")],
)
def test_price_beside_a_button_has_two_decimals(micros, shown):
    """The exact one is in the details; only less than a fen is shown as it is."""
    assert yuan_short(micros) == shown


class Somebody:
    """Who is signed in."""

    id = "user_1"
    role = "user"
    name = email = "somebody"
    defaults = {"model": "jimeng-3.1", "n": 2, "size": "4:3"}


def settings(page, *names: str) -> dict[str, str | None]:
    return {name: chosen(page, name) for name in names}


def leave(client, **choices: str) -> None:
    """What was chosen in the browser and not sent."""
    client.set_cookie("choices", urlencode({"who": "", **choices}))


def test_remix_fills_everything_but_the_seed(client):
    """The form is as it was for the task: its words, not those of its style. It can
    take the form's place without a new page."""
    asked = {"model": "jimeng-3.1", "size": "3:4", "resolution": "2K", "n": "2"}
    task_id = new_task(client, **asked, style="ink", seed="9")

    page = client.get(f"/?again={task_id}")
    part = choices(client, again=task_id)

    assert part.text.count('<form id="composer"') == 1
    assert "<html" not in part.text
    wanted = asked | {"style": "ink", "seed": ""}
    for each in (page, part):
        assert re.search(rf"<textarea[^>]*>\s*{PROMPT}</textarea>", each.text)
        assert settings(each, *wanted) == wanted
    assert chosen(client.get(f"/?again={task_id}&seed=9"), "seed") == "9"
    gone = client.get("/?again=volcengine_img_0&seed=x")
    assert gone.status_code == 200
    assert re.search(r"<textarea[^>]*>\s*</textarea>", gone.text)


def test_settings_that_were_used_last_are_there_again(client):
    """The form comes back as it was sent, without a script, too, and a seed that was
    wanted is wanted still. A new visit begins with the settings, in a browser that is
    new as well; those of programs leave them alone."""
    used = {"model": "jimeng-3.1", "size": "4:3", "resolution": "2K", "n": "2"}
    used |= {"style": "oil"}
    sent = client.get(ask(client, **used, seed="42").location)
    other = client.get(ask(client, **used).location)
    create(client, user_id="guest", n=4)

    page = client.get("/")
    client.delete_cookie("used")
    anew = client.get("/")

    assert settings(sent, *used, "seed") == used | {"seed": "42"}
    assert chosen(other, "seed") == ""
    assert settings(page, *used) == settings(anew, *used) == used
    assert re.search(r"<textarea[^>]*>\s*</textarea>", page.text)


@for_each(
    ("left", "shown"),
    [
        ({"model": NO_SEED, "resolution": "4K"}, {"resolution": "4K"}),
        ({"model": "jimeng-3.1", "n": "3", "seed": "7"}, {"n": "3", "seed": "7"}),
        ({"style_own": "woodcut"}, {"style_own": "woodcut"}),
        ({"model": NO_SEED, "n": "9", "size": "?"}, {"n": "4", "size": "1:1"}),
        ({"model": '"><b>', "n": "-"}, {"model": "doubao-seedream-3.0-t2i", "n": "1"}),
    ],
)
def test_choices_outlive_a_reload(client, left, shown):
    """They are there again though nothing was sent; what is not legal is mended. They
    are not mixed into what a link asks for."""
    leave(client, **left)

    assert settings(client.get("/"), *shown) == shown
    linked = client.get("/?prompt=x&n=2")
    assert settings(linked, "n", "seed") == {"n": "2", "seed": ""}


def test_choices_of_somebody_else_are_not_shown(client, monkeypatch):
    """Two people may use one browser, one after the other."""
    leave(client, style_own="a secret", who="user_2")
    assert "a secret" not in client.get("/").text

    monkeypatch.setattr(auth, "current_user", lambda: Somebody)

    assert "a secret" not in client.get("/").text
    leave(client, style_own="my own", who="user_1")
    assert "my own" in client.get("/").text


def test_defaults_of_the_user_come_first(client, monkeypatch):
    """What somebody has set beats what they used last; a link beats both."""
    ask(client, n="4")
    monkeypatch.setattr(auth, "current_user", lambda: Somebody)

    page, linked = client.get("/"), client.get("/?n=3")

    wanted = {"model": "jimeng-3.1", "n": "2", "size": "4:3"}
    assert settings(page, *wanted) == wanted
    assert settings(linked, "n", "size") == {"n": "3", "size": "4:3"}
