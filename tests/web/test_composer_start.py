"""How the form begins: as a link asks, as it was left, as its user likes it."""

import re
from urllib.parse import urlencode

from jimeng.http import auth
from tests.each import for_each
from tests.page import PROMPT, ask, choices, chosen, new_task
from tests.rest import create

NO_SEED = "jimeng-4.6"


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
    """They are there again though nothing was sent; what is not legal is mended."""
    leave(client, **left)

    assert settings(client.get("/"), *shown) == shown


def test_link_begins_afresh(client):
    """What was left in the form is not mixed into what a link asks for."""
    leave(client, model="jimeng-3.1", seed="7", n="3")

    page = client.get("/?prompt=x&n=2")

    assert settings(page, "n", "seed") == {"n": "2", "seed": ""}


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
