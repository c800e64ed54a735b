"""A picture's page keeps to those pictures that it was opened from."""

import re
from html import unescape

import pytest

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import browsing, collections, picture_details
from jimeng.gallery.browsing import PictureFilter
from tests.hung import hang
from tests.page import POST

ME = Principal("guest")


@pytest.fixture
def hung(database) -> dict[str, str]:
    """Words -> id, the newest first."""
    words = ("red fox", "blue fox", "green hill", "red hill", "blue sea")
    return dict(zip(words, hang(*words), strict=True))


def links(page: str) -> dict[str, str]:
    found = re.findall(r'rel="(prev|next)"[^>]* href="([^"]+)"', page)
    found += re.findall(r'stage-(close)" href="([^"#]+)', page)
    return {name: unescape(where) for name, where in found}


def walked(client, where: str) -> list[str]:
    """The ids of the pictures from a link of the gallery to the last."""
    ids = []
    while where:
        ids.append(re.search(r"/pictures/(\w+)", where)[1])
        where = links(client.get(where).text).get("next", "")
    return ids


def first_of(client, where: str) -> str:
    page = client.get(where).text
    return unescape(re.search(r'class="photo-link" href="([^"]+)"', page)[1])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=fox", ["red fox", "blue fox"]),
        ("fav=1", ["blue fox", "blue sea"]),
        ("in={made}", ["red fox", "red hill", "blue sea"]),
        ("in={made}&q=red", ["red fox", "red hill"]),
        ("in={made}&fav=1", ["blue sea"]),
        ("", ["red fox", "blue fox", "green hill", "red hill", "blue sea"]),
    ],
)
def test_neighbours_are_those_of_the_gallery_that_one_came_from(
    client, hung, query, words
):
    """Forth to the end, back again, and from each the way to that gallery."""
    made = collections.create(ME, "春").id
    collections.change(ME, made, add=[hung[n] for n in ("red fox", "red hill")])
    collections.change(ME, made, add=[hung["blue sea"]])
    picture_details.set_favourite(ME, [hung["blue fox"], hung["blue sea"]], True)
    query = query.format(made=made)
    first = first_of(client, f"/gallery?{query}")

    assert walked(client, first) == [hung[n] for n in words]
    last = first.replace(hung[words[0]], hung[words[-1]])
    page = client.get(last).text
    before = re.search(r"\w+_0", links(page).get("prev", ""))
    assert (before and before[0]) == (hung[words[-2]] if len(words) > 1 else None)
    assert links(page)["close"] == f"/gallery?{query}".rstrip("?")
    assert ('aria-label="返回“春”"' in page) is ("in=" in query)


def test_deleting_goes_on_among_them(client, hung):
    """To the next one of them, and the way back leads there, too."""
    where = first_of(client, "/gallery?q=hill")
    action = re.search(r'action="([^"]+/delete[^"]*)"', client.get(where).text)[1]

    gone = client.post(unescape(action), headers=POST)

    assert gone.location.startswith(f"/pictures/{hung['red hill']}?q=hill&deleted=")
    page = client.get(gone.location).text
    assert "next" not in links(page)
    assert f'value="/pictures/{hung["green hill"]}?q=hill"' in page


def test_picture_that_is_none_of_them_any_more_has_its_place(client, hung):
    """Taken out of the collection, it stands between those that are left."""
    made = collections.create(ME, "x").id
    collections.change(ME, made, add=[*hung.values()])
    collections.change(ME, made, remove=[hung["green hill"]])

    found = links(client.get(f"/pictures/{hung['green hill']}?in={made}").text)

    assert hung["blue fox"] in found["prev"]
    assert hung["red hill"] in found["next"]


def test_others_collections_and_nonsense_show_nothing_of_anybody(client, hung):
    """The picture is there all the same; what cannot be meant is left out."""
    theirs = collections.create(Principal("user_other"), "x")
    here = f"/pictures/{hung['green hill']}"

    for query in (f"in={theirs.id}", "in=collection_" + "0" * 24):
        page = client.get(f"{here}?{query}")
        assert (page.status_code, len(links(page.text))) == (200, 1)
    page = client.get(f"{here}?in=x&ratio=7:7&from=never")
    assert links(page.text)["next"] == f"/pictures/{hung['red hill']}"


def test_neighbour_costs_what_it_shows(hung, monkeypatch):
    """Of a collection of two among hundreds only these are looked at."""
    hang(*["other"] * 300)
    made = collections.create(ME, "x").id
    few = [hung["blue fox"], hung["blue sea"]]
    collections.change(ME, made, add=few)
    asked = []
    original = Image.collection().find_one

    def find_one(self, where, *args, **how):
        asked.append((where, how))
        return original(where, *args, **how)

    monkeypatch.setattr(type(Image.collection()), "find_one", find_one)
    image = picture_details.find_picture(ME, few[0])
    asked.clear()

    wanted = PictureFilter(collection=made)
    assert picture_details.neighbour_id(image, newer=False, among=wanted) == few[1]

    ((where, how),) = asked
    rows = Image.collection().find(where).sort(how["sort"]).hint(how["hint"]).limit(1)
    told = rows.explain()["executionStats"]
    assert (how["hint"], browsing.plan("guest", wanted)[0]) == ("collection",) * 2
    assert told["totalDocsExamined"] <= 2
