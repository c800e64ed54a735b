"""Pictures found, and taken away in archives: by words, by what they are, own ones."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import mongoengine
import pytest

from jimeng import jobs
from jimeng.accounts import data_export
from jimeng.documents import Image, utcnow
from jimeng.documents.cursors import after, cursor_of
from jimeng.documents.image import fold, grams, lists_of
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound
from jimeng.gallery import (
    browsing,
    bulk_trash,
    collections,
    downloads,
    picture_details,
    trash,
)
from jimeng.gallery.browsing import PictureFilter
from jimeng.providers.models.model import ratio_of
from tests.conftest import png
from tests.each import for_each
from tests.hung import MODEL, hang
from tests.hung_videos import hang_video
from tests.page import POST
from tests.rest import create

ME = Principal("guest")
CAT = "雨后的江南小巷，青石板上一只黑猫"
LANTERN = "红色灯笼，古镇屋檐，Night Market"
SNOW = "A cat watching the SNOW"


@pytest.fixture
def hung(database) -> list[str]:
    return hang(CAT, LANTERN, SNOW)


def found(wanted: PictureFilter | None = None, **filters) -> list[str | None]:
    """The prompts of what is shown, in order."""
    page = browsing.browse(ME, wanted or PictureFilter(**filters))
    return [image.prompt for image in page.rows]


def scanned(wanted: PictureFilter, cursor: str | None = None) -> int:
    """How many entries of an index MongoDB looks at for one page."""
    index, parts = browsing.plan("guest", wanted)
    parts += [after(cursor, "created_at")] if cursor else []
    plan = Image.collection().find({"$and": parts}).hint(index)
    plan = plan.sort(browsing.NEWEST_FIRST).limit(61).explain()
    return plan["executionStats"]["totalKeysExamined"]


@for_each(
    ("q", "prompts"),
    [
        ("", [CAT, LANTERN, SNOW]),
        ("黑猫", [CAT]),
        ("猫", [CAT]),
        ("石板上一", [CAT]),
        ("猫 江南", [CAT]),
        ("猫 灯笼", []),
        ("灯 笼", [LANTERN]),
        ("笼灯", []),
        ("CAT", [SNOW]),
        ("cat snow", [SNOW]),
        ("ＣＡＴ", [SNOW]),
        ("n", [LANTERN, SNOW]),
        ("market", [LANTERN]),
        ("，", [CAT, LANTERN]),
        ("猫猫猫", []),
        ("   ", [CAT, LANTERN, SNOW]),
    ],
)
def test_words_of_the_prompt_find(hung, q, prompts):
    """All words have to be there, in either case, as they stand."""
    assert found(q=q) == prompts


def test_sign_of_a_pattern_is_found_as_it_stands(database):
    hang("100% [real] $gold (maybe) a.b*", "something else")

    for q in ("[real]", "$gold", "(maybe)", "a.b*", "100%"):
        assert found(q=q) == ["100% [real] $gold (maybe) a.b*"]


def test_filters_go_together(database):
    """Favourite, model and shape hold at once, each by itself, and with words."""
    wide, tall = (1664, 936), (936, 1664)
    hang("一", size=wide, model="one")
    second = hang("二", size=wide, model="two")
    third = hang("三", size=tall, model="one")
    picture_details.set_favourite(ME, [*second, *third], True)

    assert found(model="one") == ["三", "一"]
    assert found(ratio="16:9") == ["二", "一"]
    assert found(favourite=True) == ["三", "二"]
    assert found(model="one", ratio="16:9") == ["一"]
    assert found(model="one", favourite=True) == ["三"]
    assert found(ratio="16:9", favourite=True) == ["二"]
    assert found(model="one", ratio="16:9", favourite=True) == []
    assert found(q="三", model="one", ratio="9:16", favourite=True) == ["三"]


def test_favourites_come_and_go(hung):
    """Twice is as once; the trash forgets nothing that is brought back."""
    new = Image.objects.get(id=hung[0]).lists
    assert picture_details.set_favourite(ME, hung[:2], True) == 2
    assert picture_details.set_favourite(ME, hung[:2], True) == 2
    assert found(favourite=True) == [CAT, LANTERN]
    trash.trash_pictures(ME, hung)
    assert found() == found(q="猫") == found(favourite=True) == []
    trash.restore_pictures(ME, hung)
    assert found(favourite=True) == [CAT, LANTERN]

    assert picture_details.set_favourite(ME, hung[:1], False) == 1

    assert found(favourite=True) == [LANTERN]
    assert found() == [CAT, LANTERN, SNOW]
    # As those of one that was never changed.
    assert sorted(Image.objects.get(id=hung[0]).lists) == sorted(new)
    assert bulk_trash.count_others(ME) == bulk_trash.FavouriteCounts(1, 2)
    batch = bulk_trash.trash_others(ME)
    assert (batch.count, found()) == (2, [LANTERN])
    bulk_trash.restore_together(ME, batch.milliseconds)
    assert found() == [CAT, LANTERN, SNOW]


def test_days_have_both_ends(database):
    """A range has its first moment, and not the one after its last."""
    now = utcnow()
    hang("一", "二", "三", newest=now, apart=timedelta(days=1))
    day = timedelta(days=1)

    assert found(since=now - day) == ["一", "二"]
    assert found(until=now - day) == ["三"]
    assert found(since=now - day, until=now) == ["二"]


def test_nobody_sees_anothers_pictures(hung):
    """Not in lists, by words or by id, and no operator in their own gallery."""
    for principal in (Principal("else"), Principal("boss", is_operator=True)):
        assert browsing.browse(principal, PictureFilter()).rows == []
        assert browsing.browse(principal, PictureFilter(q="猫")).rows == []
        assert browsing.models_used(principal) == []
        assert not browsing.has_pictures(principal)
        assert bulk_trash.count_others(principal) == bulk_trash.FavouriteCounts(0, 0)
        assert bulk_trash.trash_others(principal).count == 0
    assert browsing.pictures_of(Principal("else"), hung) == []


def test_page_costs_what_it_shows_whatever_else_there_is(database):
    """The index leads to the page itself, not past what is left out or newer."""
    template = Image.objects.get(id=hang("猫", model="rare")[0]).to_mongo()
    rows, day = [], timedelta(days=1)
    for number in range(300):
        row = {**template, "_id": f"copy_{number:03}", "key": f"key_{number}"}
        row["created_at"] -= (number + 1) * day
        rows.append({**row, "model": MODEL, "lists": lists_of(MODEL, "1:1")})
    Image.collection().insert_many(rows)
    deep = cursor_of(rows[199], "created_at")
    then = rows[250]["created_at"]

    assert scanned(PictureFilter(model="rare")) <= 2
    assert scanned(PictureFilter(favourite=True)) <= 1
    assert scanned(PictureFilter(ratio="16:9")) <= 1
    assert scanned(PictureFilter(since=then, until=then + day)) <= 2
    assert scanned(PictureFilter(q="狗")) <= 1
    hang_video("海")
    assert scanned(PictureFilter(kind="videos")) < 3
    few, large = collections.create(ME, "few").id, collections.create(ME, "large").id
    for each in (few, large):
        collections.change(ME, each, add=hang(*["mine"] * 5))
    collections.change(ME, large, add=[row["_id"] for row in rows])
    assert scanned(PictureFilter(collection=few)) <= 6
    assert scanned(PictureFilter(collection=large)) <= 62
    picture_details.set_favourite(ME, [rows[0]["_id"]], True)
    assert scanned(PictureFilter(collection=large, favourite=True)) <= 2
    for common in (
        PictureFilter(),
        PictureFilter(q="猫"),
        PictureFilter(model=MODEL, ratio="1:1"),
    ):
        assert scanned(common) <= 61
        assert scanned(common, deep) <= 62


def test_kept_picture_can_be_found(client, work_off):
    """A picture that was drawn has all that searches need."""
    create(client, user_id="guest", style="水彩", size="16:9")
    work_off()

    assert found(q="猫") == found(q="水彩") == found() == ["一只猫"]
    assert browsing.models_used(ME) == [MODEL]
    # The fake provider's pictures are square, whatever was asked for.
    assert found(ratio="1:1", model=MODEL) == ["一只猫"]


@for_each(
    ("size", "name"),
    [
        ((1328, 1328), "1:1"),
        ((1664, 936), "16:9"),
        ((936, 1664), "9:16"),
        ((1472, 1104), "4:3"),
        ((3024, 1296), "21:9"),
        ((2016, 864), "21:9"),
        ((1000, 100), "other"),
        ((1, 16), "other"),
    ],
)
def test_shape_has_the_nearest_name(size, name):
    """Sizes are rounded to what a model draws, so near is enough."""
    assert ratio_of(*size) == name


def test_grams_are_characters_and_neighbours():
    """Words are apart; nothing is found across the space between them."""
    assert grams(fold("Ab 猫狗")) == {"a", "b", "ab", "猫", "狗", "猫狗"}
    assert grams("") == set()


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


def test_archive_has_what_is_shown_to_its_owner(database):
    """What is another's, or in the trash, is not there."""
    ids = hang("一")
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
