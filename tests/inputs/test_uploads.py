"""Uploads: pictures that are given before a task names them."""

import io
import threading
from contextlib import ExitStack, suppress
from datetime import timedelta
from types import SimpleNamespace

from mongoengine import get_db
from PIL import Image as Pillow
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from jimeng import pictures
from jimeng.documents import Input, utcnow
from jimeng.errors import TooManyWaiting
from jimeng.http import requests
from jimeng.inputs import storing
from jimeng.limits import reservations as limits
from tests import given_pictures as given
from tests.each import for_each
from tests.page import POST
from tests.rest import API, data_of, errors_of, refused

UPLOADS = f"{API}/uploads"
MINE = {"user_id": "user_123"}


def send(
    client,
    content: bytes,
    name: str = "a.jpg",
    key: str = "",
    address: str = "127.0.0.1",
    **more: object,
):
    """Upload *content* as a form does, under an ``Idempotency-Key`` if there is one."""
    file = FileStorage(io.BytesIO(content), filename=name)
    form = {**MINE, "file": file, **more}
    boundary, body = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    headers = {"Idempotency-Key": key} if key else {}
    here = {"REMOTE_ADDR": address}
    return client.post(
        UPLOADS, data=body, content_type=kind, headers=headers, environ_base=here
    )


def upload(client, content: bytes | None = None, **more: object) -> dict:
    return data_of(send(client, content or given.photo(), **more), 201)


def test_upload_is_kept_upright_and_bare(client):
    """What is there for its owner is the picture, and nothing of where it was taken."""
    answer = send(client, given.photo(6))

    found = data_of(answer, 201)
    assert answer.headers["Location"] == f"{UPLOADS}/{found['id']}"
    assert (found["width"], found["height"]) == (400, 300)
    assert (found["content_type"], found["has_alpha"]) == ("image/jpeg", False)
    assert data_of(client.get(f"{UPLOADS}/{found['id']}")) == found
    content = client.get(f"{UPLOADS}/{found['id']}/content")
    assert content.headers["Cache-Control"] == "private, no-store"
    assert len(content.data) == found["bytes"]
    assert Pillow.open(io.BytesIO(content.data)).size == (400, 300)
    assert b"Exif" not in content.data and b"Maker" not in content.data


def test_upload_that_is_sent_again_under_its_key_is_one(client, monkeypatch):
    """However many limits it would be beyond; other files need other keys."""
    first = send(client, given.photo(), key="one")
    monkeypatch.setattr(limits, "MAX_UPLOADS", 1)

    again = send(client, given.photo(), key="one")

    assert data_of(again, 201) == data_of(first, 201)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    refused(send(client, given.cmyk(), key="one"), 422, "idempotency_key_reused")
    assert Input.collection().count_documents({}) == 1
    other = send(client, given.photo(), key="two")
    refused(other, 429, "too_many_uploads")
    assert 0 < int(other.headers["Retry-After"]) <= 60


def test_key_of_an_upload_is_free_after_a_day_and_once_it_is_deleted(client):
    first = data_of(send(client, given.photo(), key="one"), 201)
    past = {"$set": {"created_at": utcnow() - timedelta(hours=25)}}
    Input.collection().update_one({"_id": first["id"]}, past)

    second = data_of(send(client, given.photo(), key="one"), 201)
    data_of(client.delete(f"{UPLOADS}/{second['id']}"))
    third = data_of(send(client, given.cmyk(), key="one"), 201)

    assert len({first["id"], second["id"], third["id"]}) == 3


def test_two_uploads_at_once_under_a_key_are_one(client, monkeypatch):
    """The slower one leaves no bytes behind."""
    faster: list[dict] = []

    def overtake() -> None:
        faster.append(data_of(send(client, given.photo(), key="one"), 201))

    def look(content: bytes, **whose: object):
        if threading.current_thread() is threading.main_thread():
            other = threading.Thread(target=overtake)
            other.start()
            other.join()
        return pictures.normalise(content, **whose)

    slow = SimpleNamespace(**{**vars(pictures), "normalise": look})
    monkeypatch.setattr(storing, "pictures", slow)
    before = get_db()["inputs.files"].count_documents({})

    answer = send(client, given.photo(), key="one")

    assert data_of(answer, 201)["id"] == faster[0]["id"]
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert get_db()["inputs.files"].count_documents({}) == before + 1


def test_deleted_upload_is_seen_no_more(client):
    found = upload(client)

    gone = data_of(client.delete(f"{UPLOADS}/{found['id']}"))

    assert gone["id"] == found["id"]
    for path in ("", "/content"):
        refused(client.get(f"{UPLOADS}/{found['id']}{path}"), 404, "upload_not_found")
    refused(client.delete(f"{UPLOADS}/{found['id']}"), 404, "upload_not_found")


@for_each("reason", given.HOSTILE)
def test_hostile_file_is_refused_with_words(client, reason):
    """In both languages, with what would do; and nothing is kept."""
    content = given.HOSTILE[reason]()

    chinese = errors_of(send(client, content))
    english = client.post(
        UPLOADS,
        data={**MINE, "file": (io.BytesIO(content), "a")},
        content_type="multipart/form-data",
        headers={"Accept-Language": "en"},
    )

    assert list(chinese) == ["file"]
    assert english.json["errors"]["file"][0].isascii() or "→" in english.text
    assert chinese["file"] != english.json["errors"]["file"]
    assert Input.collection().count_documents({}) == 0


def test_file_of_40_megabytes_is_refused_unread(client):
    """And what is no form."""
    refused(send(client, bytes(40 * 2**20)), 413, "request_too_large")
    refused(client.post(UPLOADS, json={}), 415, "unsupported_media_type")


@for_each(
    ("form", "field"),
    [
        ({**MINE}, "file"),
        ({**MINE, "file": "text"}, "file"),
        ({"file": (io.BytesIO(b"x"), "a")}, "user_id"),
        ({**MINE, "file": (io.BytesIO(b"x"), "a"), "name": "x"}, "name"),
        (
            {**MINE, "file": [(io.BytesIO(given.photo()), name) for name in "ab"]},
            "file",
        ),
    ],
)
def test_form_is_checked(client, form, field):
    answer = client.post(UPLOADS, data=form, content_type="multipart/form-data")

    assert list(errors_of(answer)) == [field]


def test_one_user_has_only_so_many_that_no_task_names(client, monkeypatch):
    """And only so many bytes."""
    monkeypatch.setattr(storing, "MAX_UNNAMED", 2)
    first = upload(client)
    upload(client)

    answer = send(client, given.photo())

    refused(answer, 429, "uploads_full")
    assert int(answer.headers["Retry-After"]) > 0
    upload(client, user_id="somebody_else")
    data_of(client.delete(f"{UPLOADS}/{first['id']}"))
    upload(client)
    monkeypatch.setattr(storing, "MAX_UNNAMED", 100)
    monkeypatch.setattr(storing, "MAX_BYTES", 100)
    refused(send(client, given.photo()), 429, "uploads_full")


def large() -> bytes:
    """A photograph of more than a request may have that needs no place."""
    noise = Pillow.effect_noise((1200, 1200), 90)
    return given.encoded(noise.convert("RGB"), "JPEG", quality=98)


def test_one_user_has_no_place_for_all_large_bodies(client, monkeypatch):
    """Half of what others leave; another user finds one, and small ones need none."""
    monkeypatch.setattr(requests, "PERMIT_TIMEOUT_S", 0.1)
    content, here = large(), "203.0.113.9"
    assert len(content) > requests.MAX_BODY_BYTES
    with ExitStack() as held:
        for _ in range(requests.MAX_LARGE_BODIES // 2):
            held.enter_context(requests._permits.acquire(here))

        answer = send(client, content, address=here)

        refused(answer, 503, "server_busy")
        assert answer.headers["Retry-After"] == "2"
        assert send(client, given.photo(), address=here).status_code == 201
        assert send(client, content, address="203.0.113.10").status_code == 201
    for _ in range(requests.MAX_LARGE_BODIES + 1):
        send(client, given.SVG + bytes(requests.MAX_BODY_BYTES))
    assert send(client, content, address=here).status_code == 201


def test_memory_of_a_large_body_is_returned(client, monkeypatch):
    """Once it is answered; for a small one that would cost more than it brings."""
    returned: list[int] = []
    monkeypatch.setattr(requests, "trim_heap", returned.append)

    assert send(client, given.photo()).status_code == 201
    assert returned == []
    assert send(client, large()).status_code == 201
    assert returned == [0]


def test_page_form_without_files_needs_no_place(client):
    """It is a form of several parts, too, and of some hundred bytes."""
    with ExitStack() as held:
        for number in range(4):
            with suppress(TooManyWaiting):
                while True:
                    held.enter_context(requests._permits.acquire(str(number)))

        form = {"prompt": "x", "files": (io.BytesIO(), "")}
        answer = client.post("/tasks", data=form, headers=POST)

    assert answer.status_code == 303
