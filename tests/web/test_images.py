"""The bytes of pictures and videos, as browsers and players fetch them."""

import hashlib
import io
import re
from urllib.parse import unquote

import pytest
from PIL import Image as Pillow

from jimeng.documents import Image
from jimeng.pictures.contents import PIECE_BYTES
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.providers.provider import Progress
from jimeng.web.pictures import files
from tests.conftest import png
from tests.hung_videos import SMALL, hang_video, noise
from tests.page import PROMPT, new_task, picture_of

BYTES = png()


@pytest.fixture
def picture(client, work_off) -> str:
    """The address of a picture."""
    task_id = new_task(client)
    work_off()
    return picture_of(client, task_id)


def test_picture_is_the_providers_bytes(client, picture):
    """It may be kept for good, and says what it is."""
    answer = client.get(picture)

    assert answer.data == BYTES
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.get_etag() == (hashlib.sha256(BYTES).hexdigest(), False)
    assert answer.last_modified
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_head_has_no_ranges_and_knows_what_is_gone(client, picture, database):
    """Ranges are for GET alone."""
    answer = client.head(picture, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content_length) == (200, len(BYTES))

    database["pictures.files"].delete_many({})
    assert client.head(picture).status_code == 404
    assert client.get(picture).status_code == 404


def test_part_of_what_was_changed_is_the_whole(client, picture):
    """Whoever has a part of another file must not add to it."""
    tag = client.head(picture).headers["ETag"]

    same = client.get(picture, headers={"Range": "bytes=5-", "If-Range": tag})
    other = client.get(picture, headers={"Range": "bytes=5-", "If-Range": '"other"'})

    assert (same.status_code, same.data) == (206, BYTES[5:])
    assert (other.status_code, other.data) == (200, BYTES)


def test_what_is_known_is_not_looked_for(client, picture, monkeypatch):
    """The store is asked for the bytes that are sent, and no others."""
    tag, asked = client.head(picture).headers["ETag"], []
    opened = GridFSStore.open_range

    def noted(self, file_id, *asked_for):
        asked.append(asked_for)
        return opened(self, file_id, *asked_for)

    monkeypatch.setattr(GridFSStore, "open_range", noted)

    assert client.get(picture, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(picture, headers={"If-Match": '"other"'}).data == b""
    beyond = client.get(picture, headers={"Range": "bytes=99999-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(BYTES)}"
    assert asked == []
    assert client.get(picture, headers={"Range": "bytes=0-1"}).data == BYTES[:2]
    assert asked == [(0, 2)]


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("10-19", 10, 19), ("-5", -5, -1), ("0-", 0, -1)]
)
def test_part_of_a_picture(client, picture, wanted, first, last):
    """A broken download goes on where it ended."""
    answer = client.get(picture, headers={"Range": f"bytes={wanted}"})

    stop = len(BYTES) if last == -1 else last + 1
    assert answer.status_code == 206
    assert answer.data == BYTES[first:stop]
    start = first % len(BYTES)
    assert answer.headers["Content-Range"] == (f"bytes {start}-{stop - 1}/{len(BYTES)}")


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "items=0-1", "bytes=x", "0-1"])
def test_several_parts_or_none_are_the_whole(client, picture, wanted):
    """What is not understood is left out of account, as RFC 9110 has it."""
    answer = client.get(picture, headers={"Range": wanted})

    assert answer.status_code == 200
    assert answer.data == BYTES
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("kind", ["picture", "thumbnail"])
def test_what_is_known_is_not_sent_again(client, picture, kind):
    """The tag and the date of the first answer spare the second."""
    path = picture if kind == "picture" else picture.rsplit(".")[0] + "/thumb.webp"
    first = client.get(path)

    by_tag = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    moment = first.headers["Last-Modified"]
    by_date = client.get(path, headers={"If-Modified-Since": moment})

    assert (by_tag.status_code, by_tag.data) == (304, b"")
    assert (by_date.status_code, by_date.data) == (304, b"")


@pytest.mark.parametrize("path", ["picture", "/static/app.js"])
def test_answer_to_a_condition_is_not_kept(client, picture, path):
    """A cache would give to all what one client's condition has made of it."""
    path = picture if path == "picture" else path

    with client.get(path, headers={"If-Match": '"another"'}) as answer:
        assert answer.status_code == 412
        assert answer.headers["Cache-Control"] == "no-store"


def test_thumbnail_is_small_webp(client, picture):
    """The feed shows this one."""
    answer = client.get(picture.rsplit(".")[0] + "/thumb.webp")

    assert answer.content_type == "image/webp"
    assert answer.data[8:12] == b"WEBP"
    assert answer.content_length == len(answer.data)


def test_download_is_named_after_the_prompt(client, picture):
    """A file that can be found again; old clients get a plain name."""
    kept = client.get(f"{picture}?download=1").headers["Content-Disposition"]

    plain, _, encoded = kept.partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="jimeng-')
    assert unquote(encoded) == PROMPT.replace("，", "-") + "-1.png"


def test_download_is_named_after_what_was_written(client, work_off):
    """Not after a style's words, which were sent along."""
    task_id = new_task(client, prompt="一只猫", style="ink")
    work_off()

    answer = client.get(picture_of(client, task_id) + "?download=1")

    encoded = answer.headers["Content-Disposition"].partition("''")[2]
    assert unquote(encoded) == "一只猫-1.png"


def test_picture_under_another_type(client, picture):
    """The address says truly what is behind it."""
    assert client.get(picture.replace(".png", ".jpg")).status_code == 404


def test_dense_screens_are_offered_more_pixels(client, provider, work_off):
    """A preview beside the thumbnail, each by its width; it goes with its picture."""
    drawn = Progress("remote-1", done=True, images=(png(1600, 900),))
    provider.polls.append(drawn)
    task_id = new_task(client)
    work_off()

    offered = re.search(
        r'srcset="(\S+) 640w, (\S+) 1440w"', client.get("/gallery").text
    )
    assert offered
    answer = client.get(offered[2])
    assert answer.content_type == "image/jpeg"
    assert Pillow.open(io.BytesIO(answer.data)).size == (1440, 810)
    client.post(f"/tasks/{task_id}/delete")
    assert client.get(offered[2], follow_redirects=True).status_code == 404


def test_picture_without_a_preview_shows_its_thumbnail(client, picture):
    """Small ones have none; the address leads on."""
    assert "srcset" not in client.get("/gallery").text

    answer = client.get(picture.rsplit(".")[0] + "/preview.jpg")

    assert answer.status_code == 302
    assert answer.headers["Location"] == picture.rsplit(".")[0] + "/thumb.webp"


VIDEO = SMALL


@pytest.fixture
def video(client) -> Image:
    """A video that has come."""
    return hang_video()


def test_video_is_the_providers_bytes(client, video):
    """It may be kept for good, says what it is, and its viewer may play it."""
    answer = client.get(video.path)

    assert answer.data == VIDEO
    assert answer.content_type == "video/mp4"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.get_etag() == (hashlib.sha256(VIDEO).hexdigest(), False)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("media-src 'self'")
    assert answer.headers["Content-Disposition"].startswith("inline")
    again = client.get(video.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_safari_asks_for_two_bytes_first(client, video):
    """Without this answer it plays nothing."""
    first = client.get(video.path, headers={"Range": "bytes=0-1"})
    total = int(first.headers["Content-Range"].partition("/")[2])
    rest = client.get(video.path, headers={"Range": f"bytes=0-{total - 1}"})

    assert (first.status_code, first.data) == (206, VIDEO[:2])
    assert first.headers["Content-Range"] == f"bytes 0-1/{len(VIDEO)}"
    assert (rest.status_code, rest.data) == (206, VIDEO)


def test_range_without_an_end_gets_a_part(client, video, monkeypatch):
    """What a player will not show is not read; a download goes on to the end."""
    monkeypatch.setattr(files, "MAX_OPEN_BYTES", 1000)
    length = len(VIDEO)

    def part(wanted: str, path: str = video.path) -> tuple[str, bytes]:
        answer = client.get(path, headers={"Range": f"bytes={wanted}"})
        assert answer.status_code == 206
        assert answer.content_length == len(answer.data)
        return answer.headers["Content-Range"], answer.data

    assert part("0-") == (f"bytes 0-999/{length}", VIDEO[:1000])
    assert part("500-") == (f"bytes 500-1499/{length}", VIDEO[500:1500])
    end = f"bytes {length - 9}-{length - 1}/{length}"
    assert part(f"{length - 9}-") == part("-9") == (end, VIDEO[-9:])
    assert part("0-4999")[1] == VIDEO[:5000]
    assert part("5-", f"{video.path}?download=1")[1] == VIDEO[5:]
    assert client.get(video.path).data == VIDEO
    beyond = client.get(video.path, headers={"Range": f"bytes={length}-"})
    assert beyond.status_code == 416


def test_video_is_sent_in_pieces(client):
    """So a player that has stopped reading costs the memory of one."""
    long = noise(2)
    video = hang_video(content=long)

    answer = client.get(video.path, buffered=False)
    pieces = list(answer.iter_encoded())

    assert b"".join(pieces) == long
    assert len(long) > 4 * PIECE_BYTES
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_video_has_one_link(client, video):
    """A picture's link gives no video, and a video's no picture."""
    key = video.key

    assert client.get(f"/i/{key}.mp4").status_code == 404
    assert client.get(f"/v/{key}.png").status_code == 404
    assert client.get(f"/i/{key}/thumb.webp").content_type == "image/webp"
    Image.change({"_id": video.id}, {"kind": "$$REMOVE"})
    assert client.get(video.path).status_code == 404
    assert client.get(f"/v/{key}/last_frame.png").status_code == 404


def test_last_frame_is_what_it_is(client, video):
    """Some services send PNG, some JPEG."""
    answer = client.get(video.last_frame_path)

    assert (answer.content_type, answer.data) == ("image/png", png())
    assert files.picture_type(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert files.picture_type(b"RIFF????WEBP") == "image/webp"


def test_video_without_last_frame(client, video):
    """There is nothing under that link."""
    Image.change({"_id": video.id}, {"last_frame_id": "$$REMOVE"})

    assert client.get(f"/v/{video.key}/last_frame.png").status_code == 404
    (video,) = Image.find_all({"_id": video.id})
    assert video.last_frame_path is None


def test_download_of_a_video_has_a_name(client, video):
    """Of the prompt, for its owner."""
    answer = client.get(f"{video.path}?download=1")

    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert disposition.endswith("-1.mp4")
    assert answer.data == VIDEO
    assert answer.headers["Cache-Control"] == "private, no-cache"
