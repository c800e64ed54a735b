"""Clips that continue each other, as one video."""

import io
import tempfile
from contextlib import ExitStack

import av
import pytest

from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.gallery import downloads, picture_details
from jimeng.http.auth.authentication import GUEST
from jimeng.web.gallery import downloads as web_downloads
from tests import videos
from tests.hung import hang
from tests.hung_videos import hang_video


def continued(client, clip: Image, content: bytes) -> Image:
    """A clip that begins with the last frame of another."""
    taken = client.post(f"/pictures/{clip.id}/frame")
    assert taken.status_code == 303
    (upload,) = Input.find_all({"picture": clip.id})
    image = hang_video("然后", content)
    made_from = [{"input": upload.id, "picture": upload.picture}]
    Task.collection().update_one(
        {"_id": image.task_id}, {"$set": {"made_from": made_from}}
    )
    return image


def join(client, clip: Image):
    return client.post(f"/pictures/{clip.id}/joined")


def levels(content: bytes) -> list[int]:
    """How light each frame is, in the order in which they are shown."""
    with av.open(io.BytesIO(content)) as container:
        return [
            frame.to_image().getpixel((64, 48))[0]
            for frame in container.decode(video=0)
        ]


def sound_s(content: bytes) -> float:
    """How long the sound lasts."""
    with av.open(io.BytesIO(content)) as container:
        (track,) = container.streams.audio
        return float(track.duration * track.time_base)


def test_clips_are_joined_in_order(client):
    """Each frame once, at its time; the file is named by the words of the last clip."""
    first = hang_video("海浪拍打礁石", videos.fading())
    second = continued(client, first, videos.fading(24))
    third = continued(client, second, videos.fading())

    answer = join(client, third)

    assert answer.status_code == 200
    assert answer.mimetype == "video/mp4"
    assert "%E7%84%B6%E5%90%8E" in answer.headers["Content-Disposition"]
    expected = [*range(48), *range(24), *range(48)]
    assert levels(answer.data) == pytest.approx(
        [videos.level_of(n) for n in expected], abs=4
    )
    with av.open(io.BytesIO(answer.data)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([n / videos.FPS for n in range(120)], abs=0.001)
    page = client.get(f"/pictures/{third.id}").text
    assert f"/pictures/{third.id}/joined" in page
    assert (
        f"/pictures/{first.id}/joined" not in client.get(f"/pictures/{first.id}").text
    )


def test_chain_is_followed_within_the_limits_alone(client, monkeypatch):
    """However long it is: neither by looking at a clip, nor without a permit."""
    first = hang_video("一", videos.mp4())
    second = continued(client, first, videos.mp4())
    monkeypatch.setattr(picture_details, "clips_up_to", None)

    assert f"/pictures/{second.id}/joined" in client.get(f"/pictures/{second.id}").text
    with ExitStack() as held:
        for n in range(web_downloads.MAX_DOWNLOADS):
            held.enter_context(web_downloads._slots.acquire(f"somebody {n}"))
        assert join(client, second).status_code == 429


def test_sound_goes_on(client):
    clip = videos.mp4(frames=48, audio=True)
    first = hang_video("一", clip)
    second = continued(client, first, clip)

    joined = join(client, second).data

    assert sound_s(joined) == pytest.approx(2 * sound_s(clip), abs=0.3)


@pytest.mark.parametrize(
    "other",
    [videos.mp4(96, 64), videos.mp4(audio=True)],
    ids=["another size", "with sound"],
)
def test_clip_of_another_kind_is_named(client, other):
    """Nothing is encoded again, so nothing is joined."""
    first = hang_video("一", videos.mp4())
    second = continued(client, first, other)

    answer = join(client, second)

    assert answer.status_code == 422
    assert "第 2 段" in answer.text


def test_broken_clip_is_refused(client):
    first = hang_video("一", videos.mp4())
    second = continued(client, first, videos.mp4())
    Image.collection().update_one(
        {"_id": first.id}, {"$set": {"file_id": hang_video("x", b"no video").file_id}}
    )

    assert join(client, second).status_code == 422


def test_only_so_much_is_joined(client, monkeypatch):
    """In bytes, and only while the disk has room for it."""
    first = hang_video("一", videos.mp4())
    second = continued(client, first, videos.mp4())
    monkeypatch.setattr(downloads.video_decoder, "join", None)

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "MAX_JOINED_BYTES", first.bytes)
        assert join(client, second).status_code == 422
    monkeypatch.setattr(downloads, "free_bytes", lambda: downloads.RESERVE_BYTES)
    assert join(client, second).status_code == 503


def test_permit_and_disk_are_given_back(client, monkeypatch):
    """Whether the answer ends or breaks."""
    first = hang_video("一", videos.mp4())
    second = continued(client, first, videos.mp4())
    made, files = tempfile.TemporaryFile, []

    def keep(**how: object):
        files.append(made(**how))
        return files[-1]

    monkeypatch.setattr(downloads.tempfile, "TemporaryFile", keep)
    for _ in range(web_downloads.MAX_DOWNLOADS + 1):
        answer = client.post(f"/pictures/{second.id}/joined", buffered=False)
        next(answer.iter_encoded())
        answer.close()
    with client.application.test_request_context():  # nothing of it is read
        clips = [first, second]
        web_downloads.send(
            Principal(GUEST), lambda: downloads.join_clips(clips), "x.mp4"
        ).close()
    with join(client, second) as answer:
        assert answer.status_code == 200

    assert files and all(each.closed for each in files)


def test_picture_is_no_clip(client):
    (picture_id,) = hang("一只猫")
    assert client.post(f"/pictures/{picture_id}/joined").status_code == 404
