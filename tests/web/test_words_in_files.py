"""Downloaded pictures say what they were made of, and give their words back."""

import io
import re
import zipfile

import pytest

from jimeng.documents import Image, Input, Task
from jimeng.pictures.contents import InMemory
from jimeng.pictures.metadata import Provenance, read_back, write_into
from tests.conftest import png
from tests.page import POST, PROMPT, new_task, picture_of

BYTES = png()


@pytest.fixture
def picture(client, work_off) -> str:
    """The address of a picture."""
    task_id = new_task(client, style="ink", seed="42", size="16:9")
    work_off()
    return picture_of(client, task_id)


def test_download_says_what_it_was_made_of(client, picture):
    """The kept bytes do not change, nor does what a link shows; and nothing tells
    whose it is, nor what its link is made of."""
    answer = client.get(f"{picture}?download=1")

    found = read_back(answer.data)
    assert (found.prompt, found.style, found.seed) == (PROMPT, "ink", 42)
    assert found.model == "doubao-seedream-3.0-t2i"
    assert found.size == "1664x936"
    assert b"Size: 64x64" in answer.data
    assert answer.content_length == len(answer.data) > len(BYTES)
    assert client.get(picture).data == BYTES
    assert client.get(f"{picture}?download=2").data == BYTES
    record = Image.find_one({})
    for secret in (record.user_id, record.key, record.task_id, record.id):
        assert secret.encode() not in answer.data


def test_head_parts_and_tags_are_those_of_the_file_that_is_sent(client, picture):
    """A broken download goes on, and is the same file."""
    path = f"{picture}?download=1"
    whole = client.get(path)

    head = client.head(path)
    part = client.get(path, headers={"Range": "bytes=20-"})
    same = client.get(path, headers={"If-None-Match": whole.headers["ETag"]})

    assert head.content_length == len(whole.data)
    assert part.status_code == 206
    assert part.data == whole.data[20:]
    assert part.headers["Content-Range"].endswith(f"/{len(whole.data)}")
    assert same.status_code == 304
    assert whole.headers["ETag"] != client.get(picture).headers["ETag"]
    assert whole.headers["Cache-Control"] == "private, no-cache"


def test_switch(client, picture):
    """Where it is off a download is the bytes that are kept, and so are those in the
    archives of chosen ones and of everything; then it is on again."""
    path, chosen = f"{picture}?download=1", {"id": Image.find_one({}).id}

    def taken() -> list[bytes]:
        zips = [
            client.post("/pictures/zip", data=chosen, headers=POST),
            client.get("/account/export"),
        ]
        archives = [zipfile.ZipFile(io.BytesIO(each.data)) for each in zips]
        assert not [each.testzip() for each in archives if each.testzip()]
        return [client.get(path).data] + [
            archive.read(name)
            for archive in archives
            for name in archive.namelist()
            if name.endswith(".png")
        ]

    assert [read_back(each).prompt for each in taken()] == [PROMPT] * 3
    answer = client.post("/account/files", data={}, headers=POST)
    assert answer.headers["Location"] == "/account?done=files"
    assert not re.search(r'name="words"[^>]* checked', client.get("/account").text)
    assert taken() == [BYTES] * 3
    client.post("/account/files", data={"words": "1"}, headers=POST)
    assert re.search(r'name="words"[^>]* checked', client.get("/account").text)
    assert read_back(client.get(path).data)


@pytest.fixture
def downloaded(client, picture) -> bytes:
    """A file of ours."""
    return client.get(f"{picture}?download=1").data


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
