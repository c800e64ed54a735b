"""Frames of a video, as uploads: to edit one, or to continue with the last."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image as Pillow

from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.http.auth.authentication import GUEST
from jimeng.inputs import uploads
from jimeng.limits import reservations
from tests import videos
from tests.hung import hang
from tests.hung_videos import hang_video


@pytest.fixture
def clip(client) -> Image:
    """A clip of a model that returns no last frame."""
    image = hang_video("海浪拍打礁石", videos.fading())
    Image.collection().update_one({}, {"$unset": {"last_frame_id": ""}})
    return image


def take(client, clip: Image, **form: object):
    return client.post(f"/pictures/{clip.id}/frame", data=form)


def level(upload_id: str) -> int:
    """How light an upload is."""
    content = uploads.content_of(Principal(GUEST), upload_id)[1].read()
    return Pillow.open(io.BytesIO(content)).getpixel((64, 48))[0]


def test_any_clip_is_continued_with_its_last_frame(client, clip):
    """With its model and settings, and no words."""
    video = {"duration": 8, "resolution": "480p", "ratio": "1:1"}
    Task.collection().update_one({}, {"$set": {"video": video}})

    answer = take(client, clip)

    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.location).query)
    (first,) = query["first_frame"]
    assert level(first) == pytest.approx(videos.level_of(47), abs=3)
    page = client.get(answer.location).text
    assert f"/inputs/{first}" in page
    assert "海浪拍打礁石" not in page.partition('id="feed"')[0]


def test_frame_that_is_shown_becomes_a_picture_to_edit(client, clip):
    answer = take(client, clip, at="500")

    assert answer.status_code == 303
    upload_id = answer.location.split("/")[-2]
    assert level(upload_id) == pytest.approx(videos.level_of(12), abs=3)
    assert client.get(answer.location).status_code == 200


@pytest.mark.parametrize("at", ["-1", "1.5", "later", "9" * 20])
def test_moment_that_is_none_is_refused(client, clip, at):
    assert take(client, clip, at=at).status_code == 422
    assert Input.collection().count_documents({}) == 0


def test_picture_has_no_frames(client):
    (picture_id,) = hang("一只猫")
    assert client.post(f"/pictures/{picture_id}/frame").status_code == 404


def test_frames_are_limited_like_uploads(client, clip, monkeypatch):
    """Nothing is decoded beyond that."""
    monkeypatch.setattr(reservations, "MAX_UPLOADS", 1)
    take(client, clip)
    monkeypatch.setattr(uploads, "store_input", None)

    assert take(client, clip).status_code == 429


def test_stage_offers_to_continue_and_to_take_a_frame(client, clip):
    page = client.get(f"/pictures/{clip.id}").text
    assert page.count(f'action="/pictures/{clip.id}/frame"') == 2

    Image.collection().update_one({}, {"$set": {"last_frame_id": clip.file_id}})
    page = client.get(f"/pictures/{clip.id}").text
    assert f"first_frame={clip.id}" in page
    assert page.count(f'action="/pictures/{clip.id}/frame"') == 1
