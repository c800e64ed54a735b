"""The bytes of videos, as players fetch them."""

import hashlib

import pytest

from jimeng.documents import Image
from jimeng.pictures.contents import PIECE_BYTES
from jimeng.web.pictures import files
from tests.conftest import png
from tests.hung_videos import SMALL, hang_video, noise

BYTES = SMALL


@pytest.fixture
def video(client) -> Image:
    """A video that has come."""
    return hang_video()


def test_video_is_the_providers_bytes(client, video):
    """It may be kept for good, says what it is, and its viewer may play it."""
    answer = client.get(video.path)

    assert answer.data == BYTES
    assert answer.content_type == "video/mp4"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.get_etag() == (hashlib.sha256(BYTES).hexdigest(), False)
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

    assert (first.status_code, first.data) == (206, BYTES[:2])
    assert first.headers["Content-Range"] == f"bytes 0-1/{len(BYTES)}"
    assert (rest.status_code, rest.data) == (206, BYTES)


def test_range_without_an_end_gets_a_part(client, video, monkeypatch):
    """What a player will not show is not read; a download goes on to the end."""
    monkeypatch.setattr(files, "MAX_OPEN_BYTES", 1000)
    length = len(BYTES)

    def part(wanted: str, path: str = video.path) -> tuple[str, bytes]:
        answer = client.get(path, headers={"Range": f"bytes={wanted}"})
        assert answer.status_code == 206
        assert answer.content_length == len(answer.data)
        return answer.headers["Content-Range"], answer.data

    assert part("0-") == (f"bytes 0-999/{length}", BYTES[:1000])
    assert part("500-") == (f"bytes 500-1499/{length}", BYTES[500:1500])
    end = f"bytes {length - 9}-{length - 1}/{length}"
    assert part(f"{length - 9}-") == part("-9") == (end, BYTES[-9:])
    assert part("0-4999")[1] == BYTES[:5000]
    assert part("5-", f"{video.path}?download=1")[1] == BYTES[5:]
    assert client.get(video.path).data == BYTES
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


def test_download_has_a_name(client, video):
    """Of the prompt, for its owner."""
    answer = client.get(f"{video.path}?download=1")

    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert disposition.endswith("-1.mp4")
    assert answer.data == BYTES
    assert answer.headers["Cache-Control"] == "private, no-cache"
