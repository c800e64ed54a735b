"""Pictures in the form for many prompts: added, kept, removed and sent."""

import io
import re
from html import unescape

import pytest

from jimeng.documents import Batch, Input, Task
from tests import given_pictures as given
from tests.inputs.test_going_in import I2I
from tests.page import POST

PARTS = {**POST, "HX-Request": "true"}
NEW, PREVIEW = "/batches/new", "/batches/preview"


@pytest.fixture
def form(client) -> dict:
    """What the form sends, for a model that takes pictures."""
    page = client.get(f"{NEW}?model={I2I}").text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    lane = unescape(re.search(r'name="model" value="([^"]+)"[^>]*checked', page)[1])
    fields = {"token": token, "model": lane, "size": "1:1", "n": "1", "pictures": "0"}
    return {**fields, "template": "春\n夏"}


def send(client, path: str, form: dict, *contents: bytes, headers: dict = POST):
    files = [(io.BytesIO(each), "a.jpg") for each in contents]
    kind = "multipart/form-data"
    body = {**form, **({"file": files} if files else {})}
    return client.post(path, data=body, headers=headers, content_type=kind)


def shown(page: str) -> list[str]:
    return re.findall(r'name="image" value="([^"]+)"', page)


def test_files_are_kept_when_they_are_counted_and_sent_by_their_ids(client, form):
    """The page has them then; a file is no longer among what is sent."""
    page = send(client, PREVIEW, form, given.photo(), given.photo(3)).text
    ids = shown(page)
    assert ids == [each.id for each in Input.objects.order_by("created_at")]
    assert 'name="pictures" value="2"' in page

    made = send(client, NEW, {**form, "image": ids[:1], "pictures": "1"})

    assert made.status_code == 303, made.text
    assert Batch.objects.get().inputs == ids[:1]
    assert {tuple(task.inputs) for task in Task.objects} == {tuple(ids[:1])}
    page = client.get(made.location).text
    assert f'src="/inputs/{ids[0]}/thumb"' in page
    assert f"/inputs/{ids[1]}" not in page


def test_part_of_the_page_comes_only_where_pictures_have_changed(client, form):
    """A key that is pressed in the text swaps nothing else."""
    part = send(client, PREVIEW, form, given.photo(), headers=PARTS).text
    (kept,) = shown(part)
    assert 'id="batch-inputs" class="batch-inputs" hx-swap-oob="true"' in part
    form |= {"image": kept, "pictures": "1"}

    again = send(client, PREVIEW, form, headers=PARTS).text
    removed = send(client, PREVIEW, {**form, "remove": kept}, headers=PARTS).text

    assert 'id="batch-inputs"' not in again
    assert 'id="batch-inputs"' in removed
    assert shown(removed) == []
    # A made-up id is no picture, and nothing is told of anybody's.
    assert (
        shown(send(client, PREVIEW, {**form, "image": ["upload_x", "<b>"]}).text) == []
    )


def test_model_that_takes_none_says_so_and_keeps_them(client, form):
    """Before anything is asked for; the form comes back with what was chosen."""
    plain = client.get(NEW).text
    lane = unescape(re.search(r'name="model" value="([^"]+)"[^>]*checked', plain)[1])

    answer = send(client, NEW, {**form, "model": lane}, given.photo())

    assert answer.status_code == 422
    assert len(shown(answer.text)) == 1
    assert Batch.objects.count() == Task.objects.count() == 0
    kept = {**form, "model": lane, "image": shown(answer.text), "pictures": "1"}
    counted = send(client, PREVIEW, kept, headers=PARTS).text
    for page in (answer.text, counted):
        assert page.count("当前模型不支持参考图") == 1
        assert "jimeng-upscale" not in page.partition('id="batch-preview"')[2]
    other = unescape(re.search(r'name="switch" value="([^"]+)"', counted)[1])

    switched = send(client, PREVIEW, {**kept, "switch": other}).text

    assert re.search(rf'name="model" value="{re.escape(other)}"[^>]*checked', switched)
    assert shown(switched) == shown(answer.text)
    assert "当前模型不支持参考图" not in switched
    assert "2 条 × 1 = 2 张" in switched


def test_files_of_a_first_sending_go_in(client, form):
    """Without having been counted; what is none is refused, in words. So are fewer
    than the page had, which a browser drops."""
    made = send(client, NEW, form, given.photo())
    wrong = send(client, NEW, {**form, "token": ""}, b"no picture")
    fewer = send(client, NEW, {**form, "token": "", "pictures": "1"})

    assert made.status_code == 303, made.text
    assert len(Batch.objects.get().inputs) == 1
    assert (wrong.status_code, fewer.status_code) == (422, 422)


def test_pictures_of_the_other_form_come_along(client, form):
    """With its words, by its button, in a browser without a script."""
    other = {name: form[name] for name in ("token", "model", "size", "n")}
    page = send(client, PREVIEW, {**other, "prompt": "一只猫"}, given.photo()).text

    assert len(shown(page)) == 1
    assert re.search(r"<textarea[^>]*>\s*一只猫</textarea>", page)
