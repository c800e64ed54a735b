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


def kept_for_good(client, path: str, content: bytes, content_type: str):
    """The answer with the bytes; it says what they are, compressed they are already."""
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert (answer.data, answer.content_type) == (content, content_type)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.get_etag() == (hashlib.sha256(content).hexdigest(), False)
    assert answer.last_modified
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    return answer


def test_picture_is_the_providers_bytes(client, picture):
    answer = kept_for_good(client, picture, BYTES, "image/png")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert client.get(picture.replace(".png", ".jpg")).status_code == 404
    small = client.get(picture.rsplit(".")[0] + "/thumb.webp")
    assert (small.content_type, small.data[8:12]) == ("image/webp", b"WEBP")
    assert small.content_length == len(small.data)
    # It has no preview: the thumbnail is shown.
    assert "srcset" not in client.get("/gallery").text
    answer = client.get(picture.rsplit(".")[0] + "/preview.jpg")
    assert (answer.status_code, answer.location) == (302, small.request.path)


def test_what_is_known_is_not_looked_for(client, picture, monkeypatch):
    """The store is asked for the bytes that are sent, and no others."""
    paths, asked = (picture, picture.rsplit(".")[0] + "/thumb.webp"), []
    firsts = [client.get(path).headers for path in paths]
    opened = GridFSStore.open_range

    def noted(self, file_id, *asked_for):
        asked.append(asked_for)
        return opened(self, file_id, *asked_for)

    monkeypatch.setattr(GridFSStore, "open_range", noted)

    for path, first in zip(paths, firsts, strict=True):
        by_tag = {"If-None-Match": first["ETag"]}
        by_date = {"If-Modified-Since": first["Last-Modified"]}
        for condition in (by_tag, by_date):
            answer = client.get(path, headers=condition)
            assert (answer.status_code, answer.data) == (304, b"")
    # A cache would give to all what one client's condition has made of it.
    for path in (picture, "/static/app.js"):
        with client.get(path, headers={"If-Match": '"another"'}) as answer:
            assert answer.status_code == 412
            assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(picture, headers={"If-Match": '"other"'}).data == b""
    beyond = client.get(picture, headers={"Range": "bytes=99999-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(BYTES)}"
    assert asked == []
    assert client.get(picture, headers={"Range": "bytes=0-1"}).data == BYTES[:2]
    assert asked == [(0, 2)]


def test_part_of_a_picture(client, picture, database):
    """A broken download goes on where it ended. What is not understood is left out of
    account, as RFC 9110 has it; whoever has a part of another file must not add to it.
    """
    length, tag = len(BYTES), client.head(picture).headers["ETag"]

    def got(wanted: str, **more: str) -> tuple:
        answer = client.get(picture, headers={"Range": wanted, **more})
        return answer.status_code, answer.data, answer.headers.get("Content-Range")

    parts = {"10-19": (10, 20), "-5": (length - 5, length), "0-": (0, length)}
    for wanted, (start, stop) in parts.items():
        told = f"bytes {start}-{stop - 1}/{length}"
        assert got(f"bytes={wanted}") == (206, BYTES[start:stop], told)
    for wanted in ("bytes=0-1,4-5", "items=0-1", "bytes=x", "0-1"):
        assert got(wanted) == (200, BYTES, None), wanted
    assert got("bytes=5-", **{"If-Range": tag})[:2] == (206, BYTES[5:])
    assert got("bytes=5-", **{"If-Range": '"other"'}) == (200, BYTES, None)
    head = client.head(picture, headers={"Range": "bytes=0-1"})  # it is for GET alone
    assert (head.status_code, head.content_length) == (200, len(BYTES))
    database["pictures.files"].delete_many({})
    assert client.head(picture).status_code == 404
    assert client.get(picture).status_code == 404


def test_download_is_named_after_what_was_written(client, work_off):
    """Not after a style's words; old clients get a plain name."""
    task_id = new_task(client, style="ink")
    work_off()

    answer = client.get(picture_of(client, task_id) + "?download=1")

    kept = answer.headers["Content-Disposition"]
    plain, _, encoded = kept.partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="jimeng-')
    assert unquote(encoded) == PROMPT.replace("，", "-") + "-1.png"


def test_dense_screens_are_offered_more_pixels(client, provider, work_off):
    """A preview beside the thumbnail, each by its width; it goes with its picture."""
    drawn = Progress("remote-1", done=True, images=(png(1600, 900),))
    provider.polls.append(drawn)
    task_id = new_task(client)
    work_off()

    offered = re.search(
        r'srcset="(\S+) 640w, (\S+) 1440w"', client.get("/gallery").text
    )
    answer = client.get(offered[2])
    assert answer.content_type == "image/jpeg"
    assert Pillow.open(io.BytesIO(answer.data)).size == (1440, 810)
    client.post(f"/tasks/{task_id}/delete")
    assert client.get(offered[2], follow_redirects=True).status_code == 404


@pytest.fixture
def video(client) -> Image:
    """A video that has come."""
    return hang_video()


def test_video_is_the_providers_bytes(client, video):
    """Its viewer may play it."""
    answer = kept_for_good(client, video.path, SMALL, "video/mp4")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("media-src 'self'")
    again = client.get(video.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    file = client.get(f"{video.path}?download=1")
    named = file.headers["Content-Disposition"]
    assert named.startswith("attachment") and named.endswith("-1.mp4")
    assert (file.data, file.headers["Cache-Control"]) == (SMALL, "private, no-cache")


def test_range_without_an_end_gets_a_part(client, video, monkeypatch):
    """What a player will not show is not read; a download goes on to the end."""
    monkeypatch.setattr(files, "MAX_OPEN_BYTES", 1000)
    length = len(SMALL)

    def part(wanted: str, path: str = video.path) -> tuple[str, bytes]:
        answer = client.get(path, headers={"Range": f"bytes={wanted}"})
        assert answer.status_code == 206
        assert answer.content_length == len(answer.data)
        return answer.headers["Content-Range"], answer.data

    # Safari asks for two bytes first: without this answer it plays nothing.
    assert part("0-1") == (f"bytes 0-1/{length}", SMALL[:2])
    assert part("0-") == (f"bytes 0-999/{length}", SMALL[:1000])
    assert part("500-") == (f"bytes 500-1499/{length}", SMALL[500:1500])
    end = f"bytes {length - 9}-{length - 1}/{length}"
    assert part(f"{length - 9}-") == part("-9") == (end, SMALL[-9:])
    assert part("0-4999")[1] == SMALL[:5000]
    assert part(f"0-{length - 1}")[1] == SMALL
    assert part("5-", f"{video.path}?download=1")[1] == SMALL[5:]
    assert client.get(video.path).data == SMALL
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
    """A picture's link gives no video, and a video's no picture but its last frame,
    which some services send as PNG, some as JPEG, and some not."""
    key, frame = video.key, client.get(video.last_frame_path)

    assert (frame.content_type, frame.data) == ("image/png", png())
    assert files.picture_type(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert files.picture_type(b"RIFF????WEBP") == "image/webp"
    assert client.get(f"/i/{key}.mp4").status_code == 404
    assert client.get(f"/v/{key}.png").status_code == 404
    assert client.get(f"/i/{key}/thumb.webp").content_type == "image/webp"
    Image.change({"_id": video.id}, {"kind": "$$REMOVE"})
    assert client.get(video.path).status_code == 404
    assert client.get(f"/v/{key}/last_frame.png").status_code == 404
    without = {"kind": "video", "last_frame_id": "$$REMOVE"}
    Image.change({"_id": video.id}, without)
    assert client.get(video.path).status_code == 200
    assert client.get(f"/v/{key}/last_frame.png").status_code == 404
    assert Image.find_one({"_id": video.id}).last_frame_path is None
