"""A picture that was downloaded here gives its words back, without a script too."""

import io
import re

import pytest

from jimeng.documents import Input, Task
from jimeng.pictures.contents import InMemory
from jimeng.pictures.metadata import Provenance, write_into
from tests.conftest import png
from tests.page import PROMPT, new_task, picture_of


@pytest.fixture
def downloaded(client, work_off) -> bytes:
    """A file of ours."""
    task_id = new_task(client, style="ink", seed="42", size="16:9")
    work_off()
    return client.get(picture_of(client, task_id) + "?download=1").data


def send(client, content: bytes, **fields: str):
    data = {"prompt": "另一句", "n": "2", **fields}
    data["file"] = (io.BytesIO(content), "picture.png")
    return client.post("/composer/file", data=data)


def test_form_is_as_it_was_for_the_picture(client, downloaded):
    """Its words, style and seed; how many is as it stands in the form."""
    answer = send(client, downloaded, style="oil")

    page = answer.text
    assert answer.status_code == 200
    assert f"\n{PROMPT}</textarea>" in page and "另一句" not in page
    assert 'value="42"' in page
    assert re.search(r'value="ink"[^>]* checked', page)
    assert re.search(r'name="size" value="16:9" checked', page)
    assert 'name="n" value="2" checked' in page
    assert Input.find_one({}) is None


def test_other_files_change_nothing(client):
    """The form stays as it was written, says why, and has the picture."""
    answer = send(client, png())

    assert answer.status_code == 422
    assert "另一句</textarea>" in answer.text
    assert "文件里没有提示词" in answer.text
    assert 'name="image" value="upload_' in answer.text


def test_words_of_strangers_are_words(client):
    """What stands in a file is shown as text, and asks for nothing by itself."""
    hostile = Provenance(
        "</textarea><script>alert(1)</script>", style="<i>", model="<b>"
    )
    file = write_into(InMemory(png()), "image/png", hostile)

    page = send(client, file.content.read()).text

    assert "&lt;script&gt;alert(1)" in page
    assert not {"<script>alert", "<i>", "<b>"} & set(re.findall("<[^>]*>", page))
    assert Task.find_one({}) is None
