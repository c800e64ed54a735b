"""Prompts kept under a name: through REST, and on the pages without a script."""

import io
import json
import re
import zipfile

import pytest

from jimeng.documents import SavedPrompt, Task
from jimeng.documents.principal import Principal
from jimeng.errors.collections import TooManyPrompts
from jimeng.gallery import saved_prompts
from jimeng.gallery.saved_prompts import PromptSettings
from tests.page import send
from tests.rest import API, create, data_of, errors_of, refused

PROMPTS = f"{API}/prompts"
ME = Principal("guest")
FORM = {"prompt": "雨后的小巷", "model": "doubao-seedream-3.0-t2i", "size": "16:9"}
FORM |= {"resolution": "2K", "n": "3", "style": "ink", "seed": "42"}


def hidden(page: str) -> dict[str, str]:
    """The fields that a page's form holds out of sight."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_prompt_from_its_saving_to_its_end(client):
    body = {"name": " 雨巷 ", "prompt": "雨", "n": 2, "seed": 0, "user_id": "guest"}
    made = data_of(client.post(PROMPTS, json=body), 201)
    where = f"{PROMPTS}/{made['id']}"

    assert (made["name"], made["n"], made["seed"], made["size"]) == ("雨巷", 2, 0, None)
    assert data_of(client.get(f"{PROMPTS}?user_id=guest")) == [made]
    changed = data_of(client.patch(where, json={"name": "晴", "n": None}))
    assert (changed["name"], changed["n"], changed["prompt"]) == ("晴", None, "雨")
    assert data_of(client.get(where)) == changed
    data_of(client.delete(where))
    refused(client.get(where), 404, "prompt_not_found")
    refused(client.delete(where), 404, "prompt_not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"prompt": ""},
        {"prompt": "x" * 10_001},
        {"seed": -1},
        {"n": 0},
        {"images": ["x"]},
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(client, wrong):
    kept = saved_prompts.save(ME, "x", PromptSettings("y"))
    body = {"name": "a", "prompt": "b", "user_id": "guest", **wrong}

    assert errors_of(client.post(PROMPTS, json=body))
    assert errors_of(client.patch(f"{PROMPTS}/{kept.id}", json=wrong))

    assert [each.to_mongo() for each in saved_prompts.find_all(ME)] == [kept.to_mongo()]


def test_one_user_keeps_only_so_many(database, monkeypatch):
    """Others are not counted, and what is there stays."""
    monkeypatch.setattr(saved_prompts, "MAX_PROMPTS", 2)
    saved_prompts.save(Principal("another"), "x", PromptSettings("y"))
    for name in "ab":
        saved_prompts.save(ME, name, PromptSettings("y"))

    with pytest.raises(TooManyPrompts):
        saved_prompts.save(ME, "c", PromptSettings("y"))

    assert {each.name for each in saved_prompts.find_all(ME)} == {"a", "b"}


def test_form_is_saved_and_comes_back(client):
    """As it was but for the seed, which is kept where that is said."""
    page = client.post("/prompts/new", data=FORM).text
    fields = hidden(page)
    assert fields["prompt"] == FORM["prompt"] and "with_seed" not in fields
    first = send(client, "/prompts", **fields, name="雨巷")
    assert first.headers["Location"] == "/prompts?done=saved"
    send(client, "/prompts", **fields, name="有种子", with_seed="1")

    newer, older = saved_prompts.find_all(ME)
    assert newer.quality == "hd"  # as the API names it
    assert (older.name, older.seed, newer.seed) == ("雨巷", None, 42)
    form = client.get(f"/?saved={newer.id}").text
    assert f"\n{FORM['prompt']}</textarea>" in form
    for name in ("size", "resolution", "n", "style"):
        assert re.search(rf'name="{name}" value="{FORM[name]}"[^>]* checked', form)
    assert re.search(r'id="seed"[^>]* value="42"', form)
    assert re.search(r'id="seed"[^>]* value=""', client.get(f"/?saved={older.id}").text)
    assert Task.find_one({}) is None


def test_page_renames_deletes_and_takes_that_back(client):
    """A name that is none changes nothing; what was deleted comes back as it was."""
    settings = PromptSettings("雨 <b>", n=2, seed=7, style="ink")
    where = f"/prompts/{saved_prompts.save(ME, '雨巷', settings).id}"

    renamed = send(client, f"{where}/rename", name="晴")
    assert renamed.headers["Location"] == "/prompts?done=renamed"
    assert send(client, f"{where}/rename", name=" ").status_code == 422
    assert "雨 &lt;b&gt;" in client.get("/prompts").text
    page = send(client, f"{where}/delete").text
    assert saved_prompts.find_all(ME) == []
    send(client, "/prompts", **{**hidden(page), "prompt": "雨 <b>"})

    (back,) = saved_prompts.find_all(ME)
    assert (back.name, back.prompt, back.seed) == ("晴", "雨 <b>", 7)
    assert (back.n, back.style) == (2, "ink")


def test_what_cannot_be_saved_is_said_beside_the_name(client):
    """On the page, and in the panel, with the words as they were."""
    data = {**FORM, "name": "x" * 61}

    page = send(client, "/prompts", **data)
    panel = send(client, "/prompts", htmx=True, **data)

    assert (page.status_code, panel.status_code) == (422, 422)
    assert FORM["prompt"] in page.text
    assert 'aria-invalid="true"' in page.text and 'aria-invalid="true"' in panel.text
    assert SavedPrompt.find_one({}) is None


def test_export_has_them(client):
    """Beside the tasks, with their metadata."""
    create(client, user_id="guest", metadata={"order": "1"})
    saved_prompts.save(ME, "雨巷", PromptSettings("雨", seed=7))
    saved_prompts.save(Principal("another"), "x", PromptSettings("y"))

    archive = zipfile.ZipFile(io.BytesIO(client.get("/account/export").data))

    (kept,) = json.loads(archive.read("prompts.json"))
    assert (kept["name"], kept["prompt"], kept["seed"]) == ("雨巷", "雨", 7)
    (record,) = json.loads(archive.read("tasks.json"))
    assert record["metadata"] == {"order": "1"}
