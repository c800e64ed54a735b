"""Pictures taken away: archives that are whole, named, and honest about what is not."""

import io
import json
import random
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import mongoengine
import pytest

from jimeng import jobs
from jimeng.accounts import data_export
from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound
from jimeng.gallery import downloads, trash
from jimeng.gallery.downloads import MAX_PICTURES, ArchiveTooLarge, NothingSelected
from jimeng.jobs import endings
from jimeng.pictures import inspect
from tests.conftest import png
from tests.each import for_each
from tests.hung import hang
from tests.page import POST

ME = Principal("guest")
ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 4, 5, 6, tzinfo=UTC)


def pack(ids: list[str]) -> zipfile.ZipFile:
    pieces = downloads.pack(downloads.find_selected(ME, ids), ZONE)
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def export() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(data_export.export(ME, ZONE))))


def lose(picture_id: str) -> None:
    """Take a picture's bytes away, as a broken disk might."""
    jobs.runtime().store.delete(Image.objects.get(id=picture_id).file_id)


def test_archive_has_the_pictures_under_their_prompts(database):
    """Names are unique and plain; bytes and times are those of the pictures."""
    ids = hang("雨后/小巷: 一只猫?", "雨后/小巷: 一只猫?", "A/b", "a-B", newest=NOON)

    archive = pack(ids)

    alike = ["雨后-小巷-一只猫.png", "雨后-小巷-一只猫-2.png"]
    assert archive.namelist() == [*alike, "A-b.png", "a-B-2.png"]
    assert archive.testzip() is None
    assert archive.read("A-b.png") == png()
    first = archive.infolist()[0]
    assert first.compress_type == zipfile.ZIP_STORED
    assert first.date_time == (2026, 3, 4, 12, 5, 6)


def test_broken_picture_is_named_and_the_rest_is_whole(database):
    """In the archive itself; half a picture is not passed for a whole one."""
    ids = hang("一", "二", "三")
    lose(ids[1])

    archive = pack(ids)

    assert archive.namelist() == ["一.png", "三.png", "missing.txt"]
    assert archive.testzip() is None
    assert "二.png" in archive.read("missing.txt").decode()
    file_id = Image.objects.get(id=ids[0]).file_id
    mongoengine.get_db()["pictures.chunks"].delete_many({"files_id": file_id})
    archive = pack(ids)
    assert archive.read("三.png") == png()
    assert "一.png" in archive.read("missing.txt").decode()


def test_archive_passes_through_in_pieces(database, monkeypatch):
    monkeypatch.setattr("jimeng.pictures.stores.gridfs.CHUNK_BYTES", 64)
    ids = hang("一")

    pieces = list(downloads.pack(downloads.find_selected(ME, ids), ZONE))

    assert len(pieces) >= len(png()) / 64
    assert max(map(len, pieces)) < 400
    left = downloads.pack(downloads.find_selected(ME, ids), ZONE)
    next(left)
    left.close()  # by who reads it
    assert list(left) == []


def test_archive_needs_the_memory_of_one_picture(database):
    """However much there is to pack, it is never there at once."""
    large = replace(inspect(png()), content=random.Random(1).randbytes(2**20))
    images = downloads.find_selected(ME, hang(*"一二三四五六七八九十", picture=large))
    tracemalloc.start()

    total = sum(map(len, downloads.pack(images, ZONE)))

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 10 * 2**20
    assert most < 4 * 2**20


def test_picture_that_goes_meanwhile_is_named(database):
    """What its owner removes while the archive is on its way costs only itself."""
    ids = hang("一", "二", "三")
    pieces = downloads.pack(downloads.find_selected(ME, ids), ZONE)
    begun = next(pieces)

    endings.delete_image(ids[1])
    archive = zipfile.ZipFile(io.BytesIO(begun + b"".join(pieces)))

    assert archive.namelist() == ["一.png", "三.png", "missing.txt"]
    assert archive.testzip() is None
    assert "二.png" in archive.read("missing.txt").decode()


def test_archive_is_refused_before_it_begins(database):
    """Nothing selected, too much, and what is not there are told in words."""
    ids = hang("一")
    with pytest.raises(NothingSelected):
        downloads.find_selected(ME, [])
    with pytest.raises(ArchiveTooLarge):
        downloads.find_selected(ME, [*ids, *(f"x{n}" for n in range(MAX_PICTURES))])
    with pytest.raises(ImageNotFound):
        downloads.find_selected(Principal("else"), ids)
    others = hang("别人的", user_id="else")
    assert pack([*ids, *others]).namelist() == ["一.png"]
    trash.trash_pictures(ME, ids)
    with pytest.raises(ImageNotFound):
        downloads.find_selected(ME, ids)


def test_export_has_everything_of_mine(database, monkeypatch):
    """By day, and a record of all tasks that names them; what is lost is told."""
    assert json.loads(export().read("tasks.json")) == []
    monkeypatch.setattr("jimeng.accounts.data_export.BATCH", 2)
    ids = hang("一", "二", "三", newest=NOON, apart=timedelta(hours=5))
    hang("别人的", user_id="else")
    trash.trash_pictures(ME, hang("扔掉的"))

    archive = export()

    names = archive.namelist()
    records = json.loads(archive.read("tasks.json"))
    assert archive.testzip() is None
    assert names[0] == "tasks.json"
    assert [name.partition("/")[0] for name in names[1:]] == ["2026-03-04"] * 3
    assert [each["prompt"] for each in records] == ["扔掉的", "一", "二", "三"]
    assert [each["pictures"] for each in records] == [[], *([n] for n in names[1:])]
    assert records[1]["created_at"] == "2026-03-04T04:05:06+00:00"
    lose(ids[0])
    left = export().namelist()
    assert (len(left), left[-1]) == (4, "missing.txt")


def test_download_of_selected_pictures(client):
    """A file with a name, which no cache keeps; a plain link takes all away."""
    ids = hang("一", "二")

    answer = client.post("/pictures/zip", data={"id": ids}, headers=POST)

    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="jimeng-2')
    assert "2%E9%A1%B9" in disposition
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == 2
    all_of_it = client.get("/account/export")
    assert all_of_it.content_type == "application/zip"
    assert len(zipfile.ZipFile(io.BytesIO(all_of_it.data)).namelist()) == 3


@for_each(
    ("ids", "status", "words"),
    [
        ([], 422, "还没有选中内容"),
        (["$gt", "../x", ""], 422, "还没有选中内容"),
        (["none"], 404, "没有这张图片"),
        ([f"x{n}" for n in range(501)], 422, "一次最多打包 500 个文件"),
        ([f"x{n}" for n in range(1001)], 422, "一次最多打包 500 个文件"),
    ],
)
def test_download_that_cannot_be_says_why(client, ids, status, words):
    """The page is in words, and no archive."""
    answer = client.post("/pictures/zip", data={"id": ids}, headers=POST)

    assert answer.status_code == status
    assert words in answer.text
