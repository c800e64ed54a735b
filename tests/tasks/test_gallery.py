"""Finding pictures: by words, labels and what they are, and nobody else's."""

from datetime import timedelta

import pytest

from jimeng.documents import Image, utcnow
from jimeng.documents.cursors import after, cursor_of
from jimeng.documents.image import fold, grams, lists_of, search_fields
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import browsing, bulk_trash, picture_details, trash
from jimeng.gallery.browsing import PictureFilter
from jimeng.providers.models.model import ratio_of
from tests.each import for_each
from tests.hung import MODEL, hang, task_of
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


def test_cursor_walks_over_pictures_of_one_moment(database):
    """No picture is left out or shown twice, though all are of one millisecond."""
    ids = hang(*"一二三四五六七", apart=timedelta())
    seen, cursor = [], None

    while True:
        page = browsing.browse(ME, PictureFilter(), cursor=cursor, limit=3)
        seen += [image.id for image in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert sorted(seen) == sorted(ids)
    assert len(seen) == 7


@pytest.mark.parametrize("cursor", ["", "x", "\x00", "$gt", "MTIz", "😀", "a" * 9999])
def test_other_cursors_are_refused(hung, cursor):
    """Only what a page gave out is one."""
    with pytest.raises(Invalid):
        browsing.browse(ME, PictureFilter(), cursor=cursor)


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


def test_label_has_the_words_that_were_written():
    """A style's words are searched for, and not shown."""
    task = task_of("一只猫", "guest", MODEL, (64, 64), utcnow())
    task.prompt = "一只猫，水彩画"

    made = search_fields(task, "1:1")

    assert (made["prompt"], made["text"]) == ("一只猫", "一只猫,水彩画")
