"""Videos on the pages: among pictures, on the stage, shared, packed, in the trash."""

import io
import re
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jimeng import inputs, jobs
from jimeng.accounts import data_export
from jimeng.documents import Image, Input
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import downloads, shares, trash
from jimeng.gallery.downloads import ArchiveTooLarge
from jimeng.inputs import storing
from tests.conftest import png
from tests.each import for_each
from tests.hung import hang
from tests.hung_videos import SMALL, hang_video
from tests.page import send

ME = Principal("guest")
ZONE = ZoneInfo("Asia/Shanghai")
MARK = r'<a class="video-mark figures" href="([^"]+)" data-play aria-label="([^"]+)">'


@pytest.fixture
def video(client) -> Image:
    """A video that has come."""
    return hang_video("海浪拍打礁石")


def marks(page) -> list[tuple[str, str]]:
    """Address and name of what plays a video on a page."""
    return re.findall(MARK, page.text)


@for_each("path", ["/gallery", "/", "/tasks/{task}"])
def test_video_among_pictures(client, video, path):
    """Its poster leads to the stage; its mark plays it, and says how long it is."""
    page = client.get(path.format(task=video.task_id))

    assert marks(page) == [(video.path, "播放视频（0:02）")]
    (large,) = re.findall(r'<a [^>]*data-view="([^"]+)"', page.text)
    assert large == f"/i/{video.key}/thumb.webp"
    assert (f'{video.path}?download=1"' in page.text) is (path != "/")
    assert f"/i/{video.key}.mp4" not in page.text
    assert f"?image={video.id}" not in page.text  # it is no reference for pictures


def test_gallery_filters_by_kind(client):
    """Only who has videos is asked; pictures are "pictures" till then."""
    hang("一只猫", "一只狗")
    assert 'name="kind"' not in client.get("/gallery").text

    def said(path: str = "/gallery", lang: str = "en") -> str:
        page = client.get(path, headers={"Accept-Language": lang}).text
        return re.search(r'id="hits"[^>]*>([^<]*)<', page)[1]

    assert said() == "2 pictures"
    video = hang_video("海浪拍打礁石")
    assert said() == "3 items"
    assert said("/gallery?kind=videos") == "1 video"
    assert said("/gallery?kind=images") == "2 pictures"
    assert said(lang="zh") == "3 项"
    assert said("/gallery?kind=videos", "zh") == "1 个视频"

    def prompts(**query: str) -> list[str]:
        page = client.get("/gallery", query_string=query).text
        return re.findall(r'<figcaption class="photo-caption"[^>]*>([^<]+)<', page)

    assert prompts() == ["海浪拍打礁石", "一只猫", "一只狗"]
    assert prompts(kind="videos") == ["海浪拍打礁石"]
    assert prompts(kind="images") == ["一只猫", "一只狗"]
    assert prompts(kind="other") == prompts()
    assert prompts(kind="videos", q="一只猫") == []
    page = client.get(f"/pictures/{video.id}?kind=videos").text
    assert 'rel="prev"' in page and 'href="/gallery?kind=videos#' in page
    assert 'name="kind"' in client.get("/gallery").text


def test_stage_plays_and_edits_nothing(client, video):
    """With the browser's own controls, also without a script."""
    page = client.get(f"/pictures/{video.id}").text

    (player,) = re.findall(r"<video[^>]*>", page)
    assert f'src="{video.path}"' in player
    assert f'poster="/i/{video.key}/thumb.webp"' in player
    assert " controls " in player and "autoplay" not in player
    for nothing in ("data-tool", 'id="edits"', "stage-mask", "stage-compare"):
        assert nothing not in page
    assert "MP4 · " in page
    assert "0:02 · 每秒 24 帧 · 有声" in page
    form = {"act": "edit", "prompt": "变成冬天", "n": "1"}
    assert send(client, f"/pictures/{video.id}/edit", **form).status_code == 422
    notes = ["no_audio", "length_differs", "of_a_later_release"]
    Image.change({"_id": video.id}, {"notes": notes})  # it was paid, so it was kept
    page = client.get(f"/pictures/{video.id}").text
    assert "要求了声音，但服务商返回的视频没有声音" in page
    assert "时长与要求的不同" in page
    assert "later" not in page.partition("<h3>")[0].rpartition("<dl")[2]


def test_shared_video(client, video):
    share = shares.share_or_update(ME, video.id, prompts=True)

    page = client.get(f"/s/{share.token}").text

    (player,) = re.findall(r"<video[^>]*>", page)
    (address,) = re.findall(r'src="([^"]+)"', player)
    meta = dict(re.findall(r'<meta property="(og:[^"]+)" content="([^"]+)"', page))
    assert meta["og:image"].endswith("/card.jpg")
    assert meta["og:video"] == f"http://localhost{address}"
    assert meta["og:video:type"] == "video/mp4"
    assert client.get(meta["og:image"]).content_type == "image/jpeg"
    assert client.get(re.findall(r'poster="([^"]+)"', player)[0]).status_code == 200
    part = client.get(address, headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.data) == (206, SMALL[:2])
    assert part.content_type == "video/mp4"
    assert "media-src 'self'" in part.headers["Content-Security-Policy"]
    assert part.headers["Cache-Control"] == "public, max-age=60"


def test_video_in_the_trash_is_not_played(client, video):
    trash.trash_pictures(ME, [video.id])

    page = client.get("/gallery?trash=1")

    assert '<span class="video-mark figures">' in page.text
    assert marks(page) == []
    assert client.get(video.path).status_code == 404
    assert client.get(video.last_frame_path).status_code == 404
    trash.restore_pictures(ME, [video.id])
    assert client.get(video.path).data == SMALL


def test_video_is_packed(database, monkeypatch):
    """As it is, in archives of a size that every program unpacks."""
    video = hang_video("海浪")

    archive, export = (
        zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
        for pieces in (
            downloads.pack([video], ZONE, reader=ME),
            data_export.export(ME, ZONE),
        )
    )

    assert archive.read("海浪.mp4") == SMALL
    (name,) = [each for each in export.namelist() if each.endswith(".mp4")]
    assert export.read(name) == SMALL
    monkeypatch.setattr(downloads, "MAX_BYTES", len(SMALL) - 1)
    with pytest.raises(ArchiveTooLarge):
        downloads.find_selected(ME, [video.id])


def test_file_above_2_gib_is_packed(monkeypatch):
    """Its sizes take eight bytes, which the archive has to know before it begins."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    archive, pieces = downloads.Archive(ZONE), [b"x" * 700] * 2
    video = Image(id="a", bytes=1400, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(downloads.Archive, "_read", lambda *_: iter(pieces))

    packed = b"".join([*archive.add_picture("a.mp4", video), *archive.close()])

    assert zipfile.ZipFile(io.BytesIO(packed)).read("a.mp4") == b"x" * 1400


@for_each("reference", ["{id}", "/v/{key}.mp4", "/v/{key}/last_frame.png"])
def test_video_as_an_input_is_its_last_frame(database, reference):
    """So it can be continued; its task remembers what it was made from. Without one it
    is no input, which is said, and what to do."""
    video = hang_video()
    text = reference.format(id=video.id, key=video.key)

    (made,) = storing.store_all("guest", inputs.find_inputs(ME, [text]))

    (row,) = Input.find_all({"_id": made.id})
    assert row.picture == video.id
    assert jobs.runtime().inputs.read(row.raw_id) == png()
    Image.change({"_id": video.id}, {"last_frame_id": "$$REMOVE"})
    with pytest.raises(Invalid) as refused:
        inputs.find_inputs(ME, [text])
    ((reason, _),) = refused.value.fields["images.0"]
    assert reason == "invalid.no_last_frame"
