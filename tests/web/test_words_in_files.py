"""Downloaded pictures say what they were made of to their owner, unless told not to."""

import io
import re
import zipfile

import pytest

from jimeng.documents import Image
from jimeng.pictures.metadata import read_back
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
    """The kept bytes do not change, nor does what a link shows."""
    answer = client.get(f"{picture}?download=1")

    found = read_back(answer.data)
    assert (found.prompt, found.style, found.seed) == (PROMPT, "ink", 42)
    assert found.model == "doubao-seedream-3.0-t2i"
    assert found.size == "1664x936"
    assert b"Size: 64x64" in answer.data
    assert answer.content_length == len(answer.data) > len(BYTES)
    assert client.get(picture).data == BYTES
    assert client.get(f"{picture}?download=2").data == BYTES


def test_nothing_secret_is_in_it(client, picture):
    """Not whose it is, nor what its link is made of."""
    data = client.get(f"{picture}?download=1").data

    record = Image.find_one({})
    for secret in (record.user_id, record.key, record.task_id, record.id):
        assert secret.encode() not in data


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
    """Where it is off a download is the bytes that are kept; then it is on again."""
    path = f"{picture}?download=1"

    answer = client.post("/account/files", data={}, headers=POST)
    assert answer.headers["Location"] == "/account?done=files"
    assert not re.search(r'name="words"[^>]* checked', client.get("/account").text)
    assert client.get(path).data == BYTES
    client.post("/account/files", data={"words": "1"}, headers=POST)

    assert re.search(r'name="words"[^>]* checked', client.get("/account").text)
    assert read_back(client.get(path).data)


def test_archives_say_it_too(client, picture):
    """The chosen ones, and everything; and neither where it is off."""
    chosen = {"id": Image.find_one({}).id}

    def taken() -> list[bytes]:
        answers = [
            client.post("/pictures/zip", data=chosen, headers=POST),
            client.get("/account/export"),
        ]
        archives = [zipfile.ZipFile(io.BytesIO(each.data)) for each in answers]
        assert not [each.testzip() for each in archives if each.testzip()]
        return [
            archive.read(name)
            for archive in archives
            for name in archive.namelist()
            if name.endswith(".png")
        ]

    assert [read_back(each).prompt for each in taken()] == [PROMPT, PROMPT]
    client.post("/account/files", data={}, headers=POST)
    assert taken() == [BYTES, BYTES]
