"""A picture's page: what is made from it, and what it was made from."""

import html
import io
import json
import re

import pytest

from jimeng.documents import Input, Task
from jimeng.providers import Registry
from tests import given_pictures as given
from tests.page import HTMX, POST, new_task

VISUAL = "volcengine_jimeng"
EDITS = "jimeng-i2i-3.0"
BOAT = {"mask": given.clear(), "prompt": "a boat"}


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({VISUAL: provider}, {VISUAL: 2})


@pytest.fixture
def picture(client, work_off) -> str:
    """One that was drawn here, of 64 by 64."""
    made = new_task(client, prompt="a first one")
    work_off()
    return f"{made}_0"


def edit(client, picture: str, act: str, mask=None, headers=POST, **fields: object):
    body = {"act": act, **fields}
    if mask is not None:
        body["mask"] = (io.BytesIO(mask), "mask.png")
    path, kind = f"/pictures/{picture}/edit", "multipart/form-data"
    return client.post(path, data=body, headers=headers, content_type=kind)


def newest() -> Task:
    return Task.read(Task.collection().find_one({}, sort=[("_id", -1)]))


def count() -> int:
    return Task.collection().count_documents({})


def masks_in(page) -> list[str]:
    return re.findall(r'name="mask_id" value="([^"]+)"', page.text)


@pytest.mark.parametrize(
    ("act", "fields", "model", "said"),
    [
        ("edit", {"prompt": "at night"}, EDITS, {}),
        ("repaint", {"mask": given.clear()}, "jimeng-inpaint", {"has_mask": True}),
        ("repaint", BOAT, "jimeng-inpaint", {"prompt": "a boat"}),
        ("enlarge", {}, "jimeng-upscale", {"width": 4096, "strength": None}),
        ("enlarge", {"strength": "80"}, "jimeng-upscale", {"strength": 0.8}),
        ("edit", {"prompt": "x", "strength": "5"}, EDITS, {"strength": 0.05}),
        ("edit", {"prompt": "x", "strength": "100"}, EDITS, {"strength": 1.0}),
        ("expand", {"shape": "4:3"}, "jimeng-outpaint", {"width": 85, "height": 64}),
        (
            "expand",
            {"shape": "", "top": "25", "left": "40"},
            "jimeng-outpaint",
            {"width": 90, "height": 80},
        ),
    ],
)
def test_another_is_made_from_the_picture(client, picture, act, fields, model, said):
    answer = edit(client, picture, act, **fields)

    made = newest()
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/tasks/{made.id}"
    assert made.model == model
    assert made.made_from[0]["picture"] == picture
    assert {name: getattr(made, name) for name in said} == said


def test_edits_land_in_the_strip(client, picture, work_off):
    """Sent from the stage it stays there, and each try is beside the picture. What it
    was made from is shown both ways, without the mask, which is no picture. No program
    is shown that could not name what went in, without which it would be refused."""
    sent = edit(client, picture, "repaint", given.clear(), {**POST, **HTMX}, n="2")
    assert sent.status_code == 200
    assert sent.text.count('class="strip-wait"') == 2
    url = re.search(r'hx-get="([^"]+family[^"]+)"', sent.text)[1].replace("&amp;", "&")
    for _ in range(8):
        work_off()
    made = newest()
    assert made.has_mask

    strip = client.get(url, headers=HTMX).text
    page = client.get(f"/pictures/{made.id}_1")
    before = client.get(f"/pictures/{picture}")

    for name in (picture, f"{made.id}_0", f"{made.id}_1"):
        assert f'href="/pictures/{name}"' in strip
        assert f'href="/pictures/{name}"' in page.text
    assert "hx-get" not in strip and "data-ended" in strip
    assert f'data-arrived="/pictures/{made.id}_0"' in strip
    assert "data-arrived" not in before.text  # of what had ended before
    assert f'href="/pictures/{made.id}_1"' in before.text
    shown = 'class="stage-before needs-script" data-src="'
    assert shown in page.text and shown not in before.text
    assert made.made_from[1]["input"] not in page.text
    assert "curl -fsS" in before.text and "curl -fsS" not in page.text


def test_what_is_made_without_words_has_a_name(client, picture, work_off):
    """Its headings and links would be empty."""
    edit(client, picture, "enlarge")
    made = newest().id
    for _ in range(8):
        work_off()

    for path in ("/", "/?show=all", f"/tasks/{made}", f"/pictures/{made}_0"):
        page = client.get(path).text
        assert re.search(r"<h[12][^>]*>(<a [^>]*>)?高清放大</", page), path
    assert 'alt="高清放大"' in client.get("/").text
    assert 'alt=""' not in client.get("/gallery").text.partition("<main")[2]


def prices(page) -> list[tuple[str, dict]]:
    """What each button says, and what another model would cost."""
    span = r'<span class="cost[^>]+data-micros="([^"]*)"[^>]*>([^<]*)'
    found = re.findall(span, page.text)
    return [(said, json.loads(html.unescape(table))) for table, said in found]


def test_buttons_say_what_they_cost(app, client, picture, monkeypatch):
    """By the chosen model, where it is known; in the demo they cost nothing."""
    page = client.get(f"/pictures/{picture}")
    (words, table), repaint, expand, enlarge = prices(page)
    assert words == "¥0.20" and len(table) > 1
    assert table[f"{VISUAL}:jimeng_i2i_v30"] == 200_000
    assert (repaint[0], expand, enlarge[0]) == ("¥0.20", ("", {}), "¥0.40")
    refused = edit(client, picture, "edit", prompt="", n="3")
    assert [said for said, _ in prices(refused)] == ["¥0.60", "¥0.20", "", "¥0.40"]

    monkeypatch.setitem(app.jinja_env.globals, "demo", True)
    assert prices(client.get(f"/pictures/{picture}")) == [("", {})] * 4


@pytest.mark.parametrize(
    ("act", "fields", "words"),
    [
        ("edit", {"prompt": ""}, "请写下"),
        ("edit", {"prompt": "x", "strength": "101"}, "0 到 100"),
        ("repaint", {}, "蒙版"),
        ("expand", {"shape": "", "top": "90"}, "0.4"),
        ("expand", {"shape": "", "top": "-3"}, "0.4"),
        ("expand", {"shape": "21:1"}, "0.4"),
        ("repaint", {"mask": given.clear(80, 64)}, "64x64"),
        ("enlarge", {"n": "2"}, "最多 1 张"),
    ],
)
def test_what_does_not_go_is_refused_in_place(client, picture, act, fields, words):
    before = count()

    page = edit(client, picture, act, **fields)

    assert page.status_code == 422
    form = page.text.partition(f'data-act="{act}" open')[2].partition("</details>")[0]
    assert words in "".join(re.findall(r'<p class="error">([^<]*)', form))
    assert (count(), masks_in(page)) == (before, [])


def test_mask_of_a_refused_form_is_kept_and_counts_once(client, picture, monkeypatch):
    """Browsers do not send it again; twice is one task, with its mask. So is a double
    click: the same bytes under the same token."""
    long = "长" * 801
    refused = edit(client, picture, "repaint", given.clear(), prompt=long)
    (kept,) = masks_in(refused)
    more = {"mask_id": kept, "counted": "1", "prompt": "a boat", "token": "form-mask"}
    before = count()

    answers = [edit(client, picture, "repaint", **more) for _ in range(2)]

    assert refused.status_code == 422
    assert [each.status_code for each in answers] == [303, 303]
    assert count() == before + 1
    assert newest().inputs[-1] == kept
    assert Input.find_one({"_id": kept}).alpha
    more.pop("mask_id")
    assert edit(client, picture, "repaint", **more).status_code == 422
    for _ in range(2):
        edit(client, picture, "repaint", given.clear(), token="form-twice")
    assert count() == before + 2


def test_edit_prompt_of_an_edit_keeps_its_kind_and_mask(client, picture):
    """It leads to the picture with the form as it was sent, which is taken again."""
    edit(client, picture, "repaint", given.clear(), prompt="a boat", n="2")
    made = newest()
    for path in (f"/?again={made.id}", f"/composer?again={made.id}"):
        assert client.get(path).location == f"/pictures/{picture}?again={made.id}"
    page = client.get(f"/pictures/{picture}?again={made.id}")

    form = page.text.partition('id="edit-repaint"')[2].partition("</form>")[0]
    assert re.search(r'data-act="repaint" open', page.text)
    assert "a boat</textarea>" in form and '<option value="2" selected>' in form
    (mask,) = masks_in(page)
    assert client.get(f"/inputs/{mask}").status_code == 200
    kept = {"mask_id": mask, "counted": "1", "prompt": "a ship"}
    assert edit(client, picture, "repaint", **kept).status_code == 303
    assert (newest().prompt, newest().has_mask) == ("a ship", True)


@pytest.mark.parametrize(
    ("fields", "checked"), [({"shape": "4:3"}, "4:3"), ({"shape": "", "top": "25"}, "")]
)
def test_edit_prompt_of_an_expansion_keeps_its_edges(client, picture, fields, checked):
    edit(client, picture, "expand", prompt="sand", **fields)

    page = client.get(f"/pictures/{picture}?again={newest().id}").text

    form = page.partition('id="edit-expand"')[2].partition("</form>")[0]
    assert re.findall(r'name="shape" value="([^"]*)"[^>]* checked', form) == [checked]
    assert "sand</textarea>" in form
    top = 'name="top" min="0" max="40" step="1" inputmode="numeric" value="25"'
    assert checked or top in form
