"""Tags: added and removed in the gallery, filtered by, and found by a search."""

import re

import pytest

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import browsing, picture_details, tags, trash
from jimeng.gallery.browsing import PictureFilter
from jimeng.gallery.tags import MAX_TAGS, change_tags
from tests.hung import hang
from tests.page import send
from tests.web.test_gallery_page import shown

ME, OTHER = Principal("guest"), Principal("other")
PROMPTS = ("一只猫", "一座灯塔", "A harbour")


@pytest.fixture
def hung(database) -> list[str]:
    return hang(*PROMPTS)


def prompts_of(**filters) -> list[str | None]:
    return [row.prompt for row in browsing.browse(ME, PictureFilter(**filters)).rows]


def test_tag_filters_and_is_found(hung):
    """By any spelling of its letters; the words of the prompt are found as before."""
    assert change_tags(ME, hung[:2], "  Blue　ＳＫＹ ", True) == 2
    assert change_tags(ME, hung[:1], "客户甲", True) == 1

    assert prompts_of(tag="blue sky") == ["一只猫", "一座灯塔"]
    assert prompts_of(q="sky") == ["一只猫", "一座灯塔"]
    assert prompts_of(q="猫 sky") == ["一只猫"]
    assert prompts_of(q="客户甲") == ["一只猫"]
    assert prompts_of(q="harbour") == ["A harbour"]
    assert tags.tags_used(ME) == ["blue sky", "客户甲"]


def test_removed_tag_is_found_no_more(hung):
    """Twice is once; others stay, and the prompt is found."""
    for tag in ("a", "b"):
        change_tags(ME, hung, tag, True)

    assert change_tags(ME, hung, "a", False) == 3
    assert change_tags(ME, hung, "a", False) == 0
    assert change_tags(ME, hung, "b", True) == 0

    assert Image.find_one({"_id": hung[0]}).tags == ["b"]
    assert prompts_of(tag="a") == [] and prompts_of(q="a 猫") == []
    change_tags(ME, hung, "b", False)
    row = Image.collection().find_one({"_id": hung[0]})
    assert "tags" not in row and row["text"] == "一只猫"
    assert prompts_of(q="猫") == ["一只猫"]


def test_only_own_and_shown_pictures_are_tagged(hung):
    trash.trash_together(ME, hung[:1])

    assert change_tags(OTHER, hung, "x", True) == 0
    assert change_tags(ME, hung, "x", True) == 2
    assert tags.tags_used(OTHER) == []


def test_limits_change_nothing(hung):
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


def test_pages(client, hung):
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
