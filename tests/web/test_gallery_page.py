"""The gallery: its address, days and forms, its tags; deleting and favourites."""

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from jimeng.documents import Image, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import browsing, picture_details, tags, trash
from jimeng.gallery.browsing import PictureFilter
from jimeng.gallery.tags import MAX_TAGS, change_tags
from jimeng.web.gallery import browsing as days
from jimeng.web.gallery import filters
from jimeng.web.gallery.filters import period_of
from jimeng.web.site.formats import zone
from tests.each import for_each
from tests.hung import hang
from tests.page import HTMX, send

NIGHT = datetime(2025, 3, 4, 17, 0, tzinfo=UTC)  # in China it is the fifth


def shown(page) -> list[str]:
    """The prompts of the pictures that a page shows, in order."""
    return re.findall(
        r'<figure id="picture-[^>]+>\s*<a [^>]+><img [^>]*alt="([^"]*)"', page.text
    )


def headings(page) -> list[str]:
    return re.findall(r'<h2 class="photos-day"><time [^>]+>([^<]+)</time>', page.text)


def next_link(page) -> str | None:
    found = re.search(r'rel="next" href="([^"]+)"', page.text)
    return html.unescape(found[1]) if found else None


def more_link(page) -> str:
    return html.unescape(re.search(r'rel="next"[^>]* hx-get="([^"]+)"', page.text)[1])


def test_picture_is_a_link_with_a_thumbnail_of_known_size(client):
    """Each stands as a link to its page, and names its bytes for the stage; nothing
    moves while they load."""
    (picture,) = hang('一只"猫"')

    page = client.get("/gallery").text

    assert "/thumb.webp" in page
    assert 'alt="一只&#34;猫&#34;"' in page
    assert 'width="1328" height="1328" loading="lazy"' in page
    link = re.search(r'<a class="photo-link"[^>]+>', page)[0]
    whole = re.search(r'data-view="(/i/[^/"]+\.\w+)"', link)[1]
    assert f'href="/pictures/{picture}"' in link
    assert f'href="{whole}?download=1"' in page
    assert page.count('<dialog id="stage"') == 1
    assert "data-view" not in client.get("/gallery?trash=1").text


def test_days_are_those_of_the_reader(client, monkeypatch):
    """China's, where the browser says nothing; today is called so."""
    hang("夜里", newest=NIGHT)
    now = utcnow()
    monkeypatch.setattr(days, "today", lambda where: now.astimezone(where).date())
    hang("今", newest=now)
    english = {"Accept-Language": "en"}

    assert headings(client.get("/gallery")) == ["今天", "2025年3月5日"]
    assert headings(client.get("/gallery", headers=english))[0] == "Today"
    client.set_cookie("zone", "Europe/Berlin")
    assert headings(client.get("/gallery"))[1:] == ["2025年3月4日"]


@for_each(
    "cookie", ["", "../../etc/passwd", "Europe", "x" * 999, "Nowhere/Land", "\u00e9"]
)
def test_odd_zone_is_none(app, cookie):
    """What is no zone counts as none was given."""
    with app.test_request_context(headers={"Cookie": f"zone={cookie}"}):
        offset = datetime.now(zone()).utcoffset()

    assert offset == timedelta(hours=8)


def hits(page) -> str:
    return re.search(r'<span id="hits"[^>]*>([^<]*)</span>', page.text)[1]


def test_hits_are_counted(client, monkeypatch):
    """As filtered, and less what was just deleted; so many at the most."""
    kept = hang("红猫", "蓝猫", "红狗")
    english = {"Accept-Language": "en"}

    assert hits(client.get("/gallery")) == "3 张"
    assert hits(client.get("/gallery?q=狗", headers=english)) == "1 picture"
    gone = send(client, "/pictures/trash", htmx=True, id=kept[0], next="/gallery?q=猫")
    assert hits(gone) == "1 张"
    assert f'<figure id="picture-{kept[0]}" hx-swap-oob="delete">' in gone.text
    assert 'id="undo"' in gone.text
    monkeypatch.setattr(browsing, "MAX_HITS", 1)
    assert hits(client.get("/gallery", headers=english)) == "more than 1 pictures"


@for_each("size", ["5", "", "9", "<"])
def test_pictures_begin_in_the_size_that_was_chosen(client, size):
    """No other word of a cookie gets into the page."""
    hang("猫")
    client.set_cookie("gallery_size", size)

    page = client.get("/gallery").text

    assert f'class="photos" data-size="{size if size == "5" else 3}"' in page


def test_address_holds_the_state(client):
    """Whoever opens the address sees the same, and the form says what it is."""
    hang("红猫", "蓝猫", "红狗", newest=NIGHT, apart=timedelta(days=1))
    address = "/gallery?q=猫&model=doubao-seedream-3.0-t2i&ratio=1:1&from=2025-03-05"

    page = client.get(address)

    assert shown(page) == ["红猫"]
    assert 'value="猫"' in page.text
    assert '<option value="1:1" selected>' in page.text
    assert 'value="2025-03-05"' in page.text
    assert shown(client.get("/gallery?to=2025-03-03")) == ["红狗"]
    odd = "/gallery?q=$gt&model=$gt&ratio=99:1&from=x&to=2025-02-30&fav=2&auto=x&n=x"
    assert client.get(odd).status_code == 200, "what cannot be meant is left out"
    months = headings(client.get("/gallery?q=猫"))
    assert months == ["2025年3月"], "few pictures do not stand under many days"


def test_periods_are_whole_weeks_and_months():
    """Weeks begin on Monday; a year's first month is preceded by that of the year
    before."""
    sunday, new_year = date(2025, 3, 9), date(2025, 1, 1)

    assert period_of("today", sunday) == (sunday, None)
    assert period_of("this_week", sunday) == (date(2025, 3, 3), None)
    assert period_of("last_week", sunday) == (date(2025, 2, 24), date(2025, 3, 2))
    assert period_of("last_month", sunday) == (date(2025, 2, 1), date(2025, 2, 28))
    assert period_of("last_month", new_year) == (date(2024, 12, 1), date(2024, 12, 31))
    assert period_of("", sunday) == (None, None)


def test_period_narrows_the_gallery(client, monkeypatch):
    """Together with the days that are given; another word is left out."""
    hang("三", "二", "一", newest=NIGHT, apart=timedelta(days=7))
    monkeypatch.setattr(filters, "today", lambda where: date(2025, 3, 6))

    last_week = client.get("/gallery?period=last_week")

    assert shown(last_week) == ["二"]
    assert '<option value="last_week" selected>' in last_week.text
    assert shown(client.get("/gallery?period=this_week")) == ["三"]
    assert shown(client.get("/gallery?period=last_month&from=2025-02-22")) == ["二"]
    assert len(shown(client.get("/gallery?period=$gt"))) == 3


def test_next_page_is_a_plain_link(client, monkeypatch):
    """It keeps the filters, and ends; a day has no second heading."""
    monkeypatch.setattr("jimeng.web.gallery.browsing.PAGE", 2)
    hang("猫一", "猫二", "狗", "猫三", newest=NIGHT)

    first = client.get("/gallery?q=猫")
    second = client.get(next_link(first))

    assert shown(first) == ["猫一", "猫二"]
    assert shown(second) == ["猫三"]
    assert next_link(second) is None
    assert 'href="/gallery?q=%E7%8C%AB"' in second.text  # back to the newest
    for nowhere in ("cursor=x", "trash=1&cursor=%00"):
        assert client.get(f"/gallery?{nowhere}").status_code == 422
    first = client.get("/gallery")
    part = client.get(more_link(first), headers=HTMX)
    assert shown(part) == ["狗", "猫三"]
    assert headings(part) == []
    assert "<html" not in part.text
    assert headings(client.get(next_link(first))) == ["2025年3月5日"]


def test_scrolling_by_itself_has_an_end(client, monkeypatch):
    """After some pages it takes a click, so that the foot can be reached."""
    monkeypatch.setattr("jimeng.web.gallery.browsing.PAGE", 1)
    hang(*"一二三四五六七八九")
    page, automatic = client.get("/gallery"), 0

    while "click, revealed" in page.text:
        automatic += 1
        page = client.get(more_link(page), headers=HTMX)

    assert automatic == 5
    assert next_link(page)


def test_nothing_found_leads_back(client):
    """An empty gallery says what comes here; filters can be cleared."""
    hang("别人的", user_id="else")
    for path in ("/gallery", "/gallery?q=猫"):
        page = client.get(path)
        assert "图库还是空的" in page.text
        assert shown(page) == []
    hang("狗")

    page = client.get("/gallery?q=猫")

    assert "没有符合条件的内容" in page.text
    assert 'href="/gallery">清除筛选' in page.text
    said = re.search(r'id="hits"[^>]*role="status"[^>]*>(.*)</span>', page.text)
    assert said and "没有符合条件的内容" in said[1]


def test_htmx_gets_the_results_alone(client):
    """Filtering swaps what is found; the form keeps the focus. The bar comes along: it
    leads back to what is shown now, and takes favourites out among favourites."""
    hang("猫")

    part = client.get("/gallery?q=猫", headers=HTMX)

    assert part.text.lstrip().startswith('<section id="results"')
    assert "<html" not in part.text
    assert 'id="filters"' not in part.text
    assert "HX-Request" in part.vary
    part = client.get("/gallery?q=&model=&fav=1", headers=HTMX)
    bar = part.text.partition('<form id="selection"')[2]
    assert 'hx-swap-oob="true"' in bar
    assert 'name="next" value="/gallery?fav=1"' in bar
    assert 'name="on" value="0"' in bar


def test_deleting_leads_back_with_a_way_to_undo(client):
    ids = hang("一", "二", "三")
    back = "/gallery?fav=1&done=starred&n=9"

    answer = send(client, "/pictures/trash", id=ids[:2], next=back)
    page = client.get(answer.headers["Location"].replace("fav=1&", ""))

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/gallery?fav=1&done=trashed&n=2&b")
    assert "已删除 2 项" in page.text
    assert shown(page) == ["三"]
    batch = re.search(r'name="batch" value="(\d+)"', page.text)[1]
    undone = send(client, "/pictures/restore", batch=batch)
    assert undone.headers["Location"] == "/gallery?done=restored&n=2"
    assert shown(client.get("/gallery")) == ["一", "二", "三"]


@pytest.mark.parametrize("act", ["favourite", "trash", "restore", "purge"])
def test_more_than_one_form_takes_is_refused_whole(client, act):
    """Nothing is done to the first thousand, with the others passed over."""
    ids = hang("一", "二")
    many = [*ids, *(f"picture_{number}" for number in range(999))]

    answer = send(client, f"/pictures/{act}", htmx=True, id=many, on="1")

    assert answer.status_code == 422
    assert "一次最多选 1000 项" in answer.text
    assert shown(client.get("/gallery")) == ["一", "二"]
    assert shown(client.get("/gallery?fav=1")) == []


def test_many_favourites_at_once(client):
    ids = hang("一", "二")

    part = send(client, "/pictures/favourite", htmx=True, id=ids, on="1")

    assert part.text.count('aria-pressed="true"') == 2
    assert part.text.count('hx-swap-oob="true"') == 2
    assert shown(client.get("/gallery?fav=1")) == ["一", "二"]
    plain = send(client, "/pictures/favourite", id=ids[0], on="0", next="/gallery")
    assert plain.headers["Location"] == "/gallery?done=unstarred&n=1"


ME, OTHER = Principal("guest"), Principal("other")
PROMPTS = ("一只猫", "一座灯塔", "A harbour")


@pytest.fixture
def hung(database) -> list[str]:
    return hang(*PROMPTS)


def prompts_of(**filters) -> list[str | None]:
    return [row.prompt for row in browsing.browse(ME, PictureFilter(**filters)).rows]


def test_tag_filters_and_is_found_until_it_is_removed(hung):
    """By any spelling; twice is once, and others stay."""
    assert change_tags(ME, hung[:2], "  Blue　ＳＫＹ ", True) == 2
    assert change_tags(ME, hung[:1], "客户甲", True) == 1

    assert prompts_of(tag="blue sky") == ["一只猫", "一座灯塔"]
    assert prompts_of(q="sky") == ["一只猫", "一座灯塔"]
    assert prompts_of(q="猫 sky") == ["一只猫"]
    assert prompts_of(q="客户甲") == ["一只猫"]
    assert prompts_of(q="harbour") == ["A harbour"]
    assert tags.tags_used(ME) == ["blue sky", "客户甲"]
    assert change_tags(ME, hung[:1], "客户甲", True) == 0
    assert change_tags(ME, hung, "blue sky", False) == 2
    assert change_tags(ME, hung, "blue sky", False) == 0
    assert Image.find_one({"_id": hung[0]}).tags == ["客户甲"]
    assert prompts_of(tag="blue sky") == [] and prompts_of(q="sky 猫") == []
    change_tags(ME, hung, "客户甲", False)
    row = Image.collection().find_one({"_id": hung[0]})
    assert "tags" not in row and row["text"] == "一只猫"
    assert prompts_of(q="猫") == ["一只猫"]


def test_limits_change_nothing(hung):
    """Nor does who they are not of, or what is not shown."""
    assert change_tags(OTHER, hung, "x", True) == 0
    assert tags.tags_used(OTHER) == []
    trash.trash_together(ME, hung[2:])
    assert change_tags(ME, hung[1:], "x", True) == 1
    for n in range(MAX_TAGS):
        change_tags(ME, hung[:1], f"tag {n}", True)

    for tag in ("", " \u0000 ", "x" * 41):
        with pytest.raises(Invalid):
            change_tags(ME, hung, tag, True)
    with pytest.raises(Invalid, match="tag"):
        change_tags(ME, hung, "one more", True)

    assert prompts_of(tag="one more") == []


def test_index_of_the_tag_answers(hung):
    """Also together with a favourite, and for the neighbours on the picture's page."""
    change_tags(ME, hung[1:], "x", True)
    picture_details.set_favourite(ME, hung, True)

    index, _ = browsing.plan("guest", PictureFilter(tag="x"))
    assert index == "tag"
    assert prompts_of(tag="x", favourite=True) == ["一座灯塔", "A harbour"]
    newest = picture_details.picture(ME, hung[1], PictureFilter(tag="x"))
    assert (newest.newer, newest.older) == (None, hung[2])


def test_tags_are_put_and_removed_on_pages(client, hung):
    """The dialog over the gallery, and a page without a script."""
    dialog = send(client, "/tags/choose", htmx=True, id=hung)
    assert "<dialog" in dialog.text
    assert dialog.text.count('name="id"') == 3

    wrong = send(client, "/tags/put", htmx=True, id=hung, tag=" ")
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#collect")
    assert "标签为 1 到 40 个字符" in wrong.text
    done = send(client, "/tags/put", htmx=True, id=hung, tag="Sea")
    assert "已给 3 项加上标签" in done.text

    page = client.get("/gallery")
    assert re.search(r"<option>sea</option>", page.text)
    # On the picture's page it leads to the filter; collect.js renews it after a change.
    assert "data-collected" in done.text
    text = client.get(f"/pictures/{hung[0]}").text
    assert 'href="/gallery?tag=sea"' in text and 'data-key="t"' in text
    assert shown(client.get("/gallery?tag=Sea")) == list(PROMPTS)
    page = send(client, "/tags/choose", id=hung[0])
    assert '<button class="quiet" name="remove" value="sea"' in page.text
    back = send(client, "/tags/put", id=hung[0], remove="sea", next="/gallery?tag=sea")
    assert back.headers["Location"] == "/gallery?tag=sea&done=untagged&n=1"
    assert "已从 1 项移除标签" in client.get(back.headers["Location"]).text
    assert shown(client.get("/gallery?tag=sea")) == list(PROMPTS[1:])


def test_change_beside_another_takes_nothing_away(hung, monkeypatch):
    """The one that read before the other wrote changes nothing, and says so."""
    update_of = tags.update_of

    def late(text: str, wanted: list[str]) -> dict:
        monkeypatch.setattr(tags, "update_of", update_of)
        change_tags(ME, hung[:1], "first", True)
        return update_of(text, wanted)

    monkeypatch.setattr(tags, "update_of", late)

    assert change_tags(ME, hung[:1], "second", True) == 0
    assert Image.find_one({"_id": hung[0]}).tags == ["first"]
