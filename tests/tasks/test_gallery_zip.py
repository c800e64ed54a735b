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


def pack(ids: list[str], principal: Principal = ME) -> zipfile.ZipFile:
    pieces = downloads.pack(downloads.find_selected(principal, ids), ZONE)
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

    assert archive.namelist() == [
        "雨后-小巷-一只猫.png",
        "雨后-小巷-一只猫-2.png",
        "A-b.png",
        "a-B-2.png",
    ]
    assert archive.testzip() is None
    assert archive.read("A-b.png") == png()
    first = archive.infolist()[0]
    assert first.compress_type == zipfile.ZIP_STORED
    assert first.date_time == (2026, 3, 4, 12, 5, 6)


def test_broken_picture_is_named_and_the_rest_is_whole(database):
    """What cannot be read is told in the archive itself."""
    ids = hang("一", "二", "三")
    lose(ids[1])

    archive = pack(ids)

    assert archive.namelist() == ["一.png", "三.png", "missing.txt"]
    assert archive.testzip() is None
    assert "二.png" in archive.read("missing.txt").decode()


def test_picture_that_breaks_off_is_named(database):
    """Half a picture is not passed for a whole one."""
    ids = hang("一", "二")
    file_id = Image.objects.get(id=ids[0]).file_id
    mongoengine.get_db()["pictures.chunks"].delete_many({"files_id": file_id})

    archive = pack(ids)

    assert archive.read("二.png") == png()
    assert "一.png" in archive.read("missing.txt").decode()


def test_archive_passes_through_in_pieces(database, monkeypatch):
    """A large picture is never in memory as a whole."""
    monkeypatch.setattr("jimeng.pictures.stores.gridfs.CHUNK_BYTES", 64)
    ids = hang("一")

    pieces = list(downloads.pack(downloads.find_selected(ME, ids), ZONE))

    assert len(pieces) >= len(png()) / 64
    assert max(map(len, pieces)) < 400


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


def test_reader_may_leave(database):
    """A download that is given up leaves nothing open."""
    pieces = downloads.pack(downloads.find_selected(ME, hang("一", "二")), ZONE)
    next(pieces)

    pieces.close()

    assert list(pieces) == []


def test_archive_is_refused_before_it_begins(database):
    """Nothing selected, too much, and what is not there are told in words."""
    ids = hang("一")
    with pytest.raises(NothingSelected):
        downloads.find_selected(ME, [])
    with pytest.raises(ArchiveTooLarge):
        downloads.find_selected(ME, [*ids, *(f"x{n}" for n in range(MAX_PICTURES))])
    with pytest.raises(ImageNotFound):
        downloads.find_selected(Principal("else"), ids)
    trash.trash_pictures(ME, ids)
    with pytest.raises(ImageNotFound):
        downloads.find_selected(ME, ids)


def test_others_pictures_are_left_out(database):
    """Of a mixture only what is one's own is packed."""
    mine, others = hang("我的"), hang("别人的", user_id="else")

    assert pack([*mine, *others], Principal("guest")).namelist() == ["我的.png"]


def test_export_has_everything_of_mine(database, monkeypatch):
    """All pictures by day, and a record of all tasks that names them."""
    monkeypatch.setattr("jimeng.accounts.data_export.BATCH", 2)
    hang("一", "二", "三", newest=NOON, apart=timedelta(hours=5))
    hang("别人的", user_id="else")
    trash.trash_pictures(ME, hang("扔掉的"))

    archive = export()

    names = archive.namelist()
    records = json.loads(archive.read("tasks.json"))
    assert archive.testzip() is None
    assert names[0] == "tasks.json"
    assert [name.partition("/")[0] for name in names[1:]] == [
        *("2026-03-04", "2026-03-04", "2026-03-04")
    ]
    assert [each["prompt"] for each in records] == ["扔掉的", "一", "二", "三"]
    assert [each["pictures"] for each in records] == [[], *([n] for n in names[1:])]
    assert records[1]["created_at"] == "2026-03-04T04:05:06+00:00"


def test_export_of_nothing_is_an_archive(database):
    """Somebody new takes away a record without tasks."""
    assert json.loads(export().read("tasks.json")) == []


def test_export_tells_what_is_missing(database):
    """A picture that is lost does not cost the others."""
    ids = hang("一", "二")
    lose(ids[0])

    names = export().namelist()

    assert len(names) == 3
    assert names[-1] == "missing.txt"


def test_download_of_selected_pictures(client):
    """The form's answer is a file with a name, which no cache keeps."""
    ids = hang("一", "二")

    answer = client.post("/pictures/zip", data={"id": ids}, headers=POST)

    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="jimeng-2')
    assert "2%E9%A1%B9" in disposition
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == 2


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


def test_download_of_everything(client):
    """A plain link takes all away."""
    hang("一")

    answer = client.get("/account/export")

    assert answer.content_type == "application/zip"
    assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == 2
