"""Pictures that go in through the form: files, ids, refusals, what counts once."""

import io
import re
from urllib.parse import urlencode

import pytest

from jimeng.documents import Input, Task
from jimeng.documents.principal import Principal
from jimeng.http.auth import authentication
from jimeng.providers import Registry
from jimeng.web.create.inputs import Tray
from jimeng.web.create.options import find_model, model_options
from tests import given_pictures as given
from tests.each import for_each
from tests.page import HTMX, POST, PROMPT, ask, chosen, ids, new_task

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
TAKES, TAKES_NONE = "doubao-seedream-5.0-pro", "doubao-seedream-3.0-t2i"
NEEDS = "jimeng-i2i-3.0"


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({VISUAL: provider, ARK: provider}, {VISUAL: 2, ARK: 2})


def files(*contents: bytes) -> list:
    return [(io.BytesIO(content), f"{n}.jpg") for n, content in enumerate(contents)]


def submit(client, *contents: bytes, htmx: bool = False, **fields: object):
    """The form as a browser without a script sends it, files and all."""
    body = {"prompt": PROMPT, "size": "1:1", "n": "1", "model": TAKES, **fields}
    if contents:
        body["file"] = files(*contents)
    headers = {**POST, **(HTMX if htmx else {})}
    kind = "multipart/form-data"
    return client.post("/tasks", data=body, headers=headers, content_type=kind)


def shown(page) -> list[str]:
    """The ids that stand in the form."""
    found = re.findall(r'name="image" value="([^"]+)"', page.text)
    assert re.search(r'name="pictures" value="(\d+)"', page.text)[1] == str(len(found))
    return found


def token_in(page) -> str:
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def give(client, content: bytes):
    data = {"file": (io.BytesIO(content), "photo.jpg")}
    return client.post("/inputs", data=data, headers=POST)


def stored() -> list[Task]:
    return [Task.read(row) for row in Task.collection().find().sort("_id", 1)]


def be_somebody_else(monkeypatch) -> None:
    other = Principal("somebody else")
    monkeypatch.setattr(authentication, "anonymous_principal", lambda: other)


def test_form_with_files_asks_with_them_in_order(client):
    """Without a script: the pictures come along, and the form holds them afterwards."""
    answer = submit(client, given.photo(), given.cmyk())

    assert answer.status_code == 303
    (task,) = stored()
    sizes = [Input.find_one({"_id": each}).size for each in task.inputs]
    assert sizes == [(400, 300), (200, 160)]
    assert shown(client.get(answer.headers["Location"])) == task.inputs


def test_settings_for_a_reference_end_with_it(client):
    """A later text has the model and size that were used for texts, in a new browser
    as well."""
    ask(client, model=TAKES_NONE, size="4:3")
    sent = submit(client, given.photo(), size="1771x1328", model=TAKES)

    page = client.get("/")
    client.delete_cookie("used")
    anew = client.get("/")

    assert chosen(client.get(sent.location), "model") == TAKES
    for each in (page, anew):
        assert chosen(each, "model") == TAKES_NONE
        assert chosen(each, "size") == "4:3"


def test_unsent_settings_for_a_reference_are_there_while_it_is(client):
    """After a reload, whose address names the reference; another page has none."""
    upload = give(client, given.photo()).text
    (image,) = set(re.findall(r'name="image" value="([^"]+)"', upload))
    left = {"who": "", "model": TAKES, "size": "1771x1328", "refers": "1"}
    client.set_cookie("choices", urlencode(left))

    with_it, without = client.get(f"/?image={image}"), client.get("/")

    assert chosen(with_it, "model") == TAKES
    assert chosen(with_it, "size") == "1771x1328"
    assert chosen(without, "size") == "1:1"


def test_form_that_is_refused_keeps_its_files(client):
    """They come back as ids; sent again with them it is one task, with its picture."""
    refused = submit(client, given.photo(), prompt="", token="form-once")
    kept = shown(refused)

    again = submit(client, prompt=PROMPT, image=kept, pictures="1", token="form-once")
    twice = submit(client, prompt=PROMPT, image=kept, pictures="1", token="form-once")

    assert refused.status_code == 422 and len(kept) == 1
    assert again.status_code == twice.status_code == 303
    (task,) = stored()
    assert task.inputs == kept


def test_form_of_another_task_with_files_is_to_be_looked_at(client):
    """From the browser's history with another file: nothing is sent before a look. A
    double click is none: the file is another upload, with the same bytes."""
    for _ in range(2):
        assert submit(client, given.photo(), token="form-old").status_code == 303
    (task,) = stored()
    assert len(task.inputs) == 1

    answer = submit(client, given.cmyk(), token="form-old")

    assert answer.status_code == 422
    assert "再提交一次" in answer.text
    assert len(stored()) == 1
    assert token_in(answer) != "form-old"
    kept = shown(answer)
    submit(client, image=kept, pictures="1", token=token_in(answer))
    assert stored()[1].inputs == kept


def give_and_refuse(client):
    return submit(client, given.photo(), given.cmyk(), prompt="")


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_file_that_is_no_picture_says_so_and_others_stay(client, htmx):
    answer = submit(client, given.photo(), b"<svg/>", htmx=htmx)

    assert answer.status_code == 422
    assert "SVG" in answer.text
    assert len(shown(answer)) == 1
    assert stored() == []


def test_model_without_pictures_offers_one_that_takes_them(client):
    """Its button changes the model, and the picture stays."""
    answer = submit(client, given.photo(), model=TAKES_NONE)
    assert answer.status_code == 422
    (offer,) = re.findall(r'name="switch" value="([^"]+)"', answer.text)
    note = re.search(r'data-note="cannot"([^>]*)>', answer.text)

    page = submit_to(client, image=shown(answer), switch=offer)

    assert "hidden" not in note[1]
    (said,) = re.findall(r'<p class="error">(.*?)</p>', answer.text)
    assert "不支持参考图" in said and "doubao" not in said, "one is offered; no list"
    assert re.search(rf'value="{offer}" checked', page.text)
    assert shown(page) == shown(answer)
    assert re.search(rf"<textarea[^>]*>\s*{PROMPT}</textarea>", page.text)
    assert "hidden" in re.search(r'data-note="cannot"([^>]*)>', page.text)[1]


def submit_to(client, **fields):
    body = {"prompt": PROMPT, "model": TAKES_NONE, **fields}
    return client.post("/composer", data=body, headers=POST)


def test_model_that_needs_a_picture_says_so(app, client):
    """Where none takes as many, the one that takes the most is offered."""
    page = client.get(f"/?model={NEEDS}")

    assert "hidden" not in re.search(r'data-note="few"([^>]*)>', page.text)[1]
    assert submit(client, model=NEEDS).status_code == 422
    assert submit(client, given.photo(), model=NEEDS).status_code == 303
    with app.test_request_context():
        tray = Tray(find_model(TAKES_NONE), 15, model_options())
    assert tray.suggestion.model.takes.most == 14


def test_strength_is_sent_with_pictures(client):
    """In hundredths; without pictures it is out of sight and not sent."""
    submit(client, given.photo(), model=NEEDS, strength="30")

    (task,) = stored()
    assert task.strength == 0.3
    page = client.get(f"/?again={task.id}")
    assert chosen(page, "strength") == "30"
    assert chosen(client.get(f"/?model={NEEDS}&strength=7"), "strength") == "7"
    assert chosen(client.get(f"/?model={TAKES}&strength=7"), "strength") is None
    submit(client, model="doubao-seedream-4.0", strength="30")
    assert stored()[1].strength is None


@for_each("strength", ["101", "0.5", "-1", "x"])
def test_strength_that_is_none_is_refused_beside_its_field(client, strength):
    answer = submit(client, given.photo(), model=NEEDS, strength=strength)

    assert answer.status_code == 422
    assert 'class="error"' in answer.text.partition('id="errors-strength"')[2][:60]
    assert stored() == []


def test_pictures_are_moved_and_removed_without_a_script(client):
    """Enter presses what sends the form, and none of a picture's buttons; a form that
    lost pictures sends nothing."""
    page = give_and_refuse(client)
    one, two = shown(page)
    form = page.text.partition('<form id="composer"')[2]
    first = re.search(r"<(?:button|input type=.submit.)([^>]*)>", form)[1]
    assert "formaction" not in first and "disabled" not in first
    assert "16 MiB" in form.partition("</noscript>")[0]

    assert shown(submit_to(client, image=[one, two], move=two)) == [two, one]
    assert shown(submit_to(client, image=[one, two], move=one)) == [one, two]
    assert shown(submit_to(client, image=[one, two], remove=one)) == [two]
    lost = submit(client, image=[one], pictures="2")
    assert (lost.status_code, shown(lost), stored()) == (422, [one], [])


def test_pictures_that_were_left_are_there_again(client, monkeypatch):
    """Those that still are; the page asks for them by their ids, and says the rest."""
    one, two = shown(give_and_refuse(client))
    query = {"image": [two, "upload_gone", one]}

    part = client.get("/composer/pictures", query_string=query)

    assert re.findall(r'name="image" value="([^"]+)"', part.text) == [two, one]
    be_somebody_else(monkeypatch)
    assert client.get("/composer/pictures", query_string=query).text == ""


def test_picture_is_shown_to_its_owner_alone(client, monkeypatch):
    """Small, never kept for others, and not drawn anew where the browser has it."""
    made = give(client, given.photo())
    (upload,) = re.findall(r'name="image" value="([^"]+)"', made.text)
    small = client.get(f"/inputs/{upload}/thumb")
    kept = {"If-None-Match": small.headers["ETag"]}

    assert made.status_code == 201
    assert small.headers["Cache-Control"] == "private, no-cache"
    assert small.content_type == "image/jpeg"
    assert client.get(f"/inputs/{upload}/thumb", headers=kept).status_code == 304
    assert client.get(f"/inputs/{upload}").status_code == 200
    be_somebody_else(monkeypatch)
    assert client.get(f"/inputs/{upload}/thumb").status_code == 404
    assert client.get(f"/inputs/{upload}/thumb", headers=kept).status_code == 404
    assert client.get(f"/inputs/{upload}").status_code == 404
    # One that is refused says why in plain words.
    answer = give(client, b"%PDF-1.7 nothing")
    assert answer.status_code == 422
    assert answer.content_type.startswith("text/plain")
    assert "PDF" in answer.text
    assert client.post("/inputs", headers=POST).status_code == 422


def test_picture_of_ones_own_becomes_a_reference(client, work_off):
    """From the card, the gallery and its page; the task is made from that picture."""
    made = new_task(client, prompt="a first one")
    work_off()
    picture = f"{made}_0"
    wanted = f'href="/?image={picture}"'

    for path in ("/", "/gallery", f"/pictures/{picture}", f"/tasks/{made}"):
        assert wanted in client.get(path).text
    page = client.get(f"/?image={picture}")
    part = client.get(f"/composer/pictures/{picture}", headers=HTMX)
    assert shown(page) == [picture]
    assert f'name="image" value="{picture}"' in part.text
    ask(client, model=TAKES, image=picture, pictures="1")
    newest = Task.find_one({"_id": ids(client.get("/"))[0]})
    assert newest.made_from[0]["picture"] == picture
