"""The gallery's pages with 100 and with 10,000 pictures: milliseconds, by address."""

import http.client
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from urllib.parse import quote

from bson import ObjectId

from jimeng.config import Config
from jimeng.documents import Image, utcnow
from jimeng.documents.cursors import cursor_of
from jimeng.pictures import inspect
from tests.bench.rows import Row, Site
from tests.bench.started import prepare, started
from tests.conftest import png
from tests.hung import image_of, task_of

SIZES = (1_000, 10_000)
ROUNDS = 15  # requests for each address, of which the median counts
WORDS = [
    *("雨后", "江南", "小巷", "水墨", "淡彩", "黑猫", "红色", "灯笼", "古镇", "屋檐"),
    *("极光", "雪山", "湖泊", "小船", "樱花", "少女", "春风", "城市", "夜景", "霓虹"),
    *("森林", "狐狸", "晨雾", "帆船", "日落", "星空", "cat", "snow", "lavender"),
]
SHAPES = [(1328, 1328), (1664, 936), (936, 1664), (1472, 1104)]
PAGES = {
    "newest": "/gallery",
    "two characters": "/gallery?q=黑猫",
    "one character": "/gallery?q=猫",
    "two words": "/gallery?q=黑猫 灯笼",
    "words that never meet": "/gallery?q=黑猫灯笼",
    "nothing found": "/gallery?q=独一无二",
    "favourites": "/gallery?fav=1",
    "one model": "/gallery?model=one",
    "one shape": "/gallery?ratio=9:16",
    "model and shape": "/gallery?model=one&ratio=9:16",
    "favourite, model, words": "/gallery?fav=1&model=one&q=黑猫",
    "an empty month": "/gallery?from=2001-01-01&to=2001-01-31",
    "trash": "/gallery?trash=1",
}
DICE = random.Random(8)


def rows(site: Site) -> Iterator[Row]:
    yield from looks(site, "gallery", SIZES, PAGES, fill)


def looks(
    site: Site,
    kind: str,
    sizes: tuple[int, int],
    pages: dict[str, str],
    fill: Callable[[Config, int], str],
) -> Iterator[Row]:
    """
    Fill a database of each size, and ask for each page of both in turns, so that what
    the machine does besides hits each.

    Args:
        fill: Fills a database, and tells the address of a page deep down.
    """
    links, columns = [], []
    with ExitStack() as servers:
        for size in sizes:
            name = f"{kind}_{size}"
            config = Config(MONGODB_URI=site.mongodb_uri, MONGODB_DATABASE=name)
            prepare(config)
            columns.append([*pages.values(), fill(config, size)])
            settings = {"MONGODB_DATABASE": name}
            port = servers.enter_context(started(site, **settings))
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            links.append(servers.enter_context(closing(link)))
        names = [*pages, "a page deep down"]
        for name, *paths in zip(names, *columns, strict=True):
            yield look(f"{kind}, {name}", links, paths, sizes)


def fill(config: Config, size: int) -> str:
    """
    Pictures of guest's and as many of somebody else's, a tenth in the trash.

    Returns:
        The address of a page deep down.
    """
    picture, now = inspect(png()), utcnow()
    for user in ("guest", "somebody_else"):
        rows = [row(n, user, picture, now) for n in range(size)]
        Image.collection().insert_many(rows)
    some = {"user_id": "guest", "$expr": {"$lt": [{"$rand": {}}, 0.1]}}
    Image.change(some, {"favourite": True})
    Image.change(some, {"trashed_at": now})
    shown = {"user_id": "guest", "lists": "||"}
    found = Image.collection().find(shown).sort([("created_at", 1), ("_id", 1)])
    return f"/gallery?cursor={cursor_of(found.skip(70)[0], 'created_at')}"


def row(n: int, user: str, picture, now) -> dict:
    prompt = "，".join(DICE.choices(WORDS, k=DICE.randint(3, 12)))
    model = DICE.choice(["one", "two", "three"])
    at = now - timedelta(minutes=7 * n)
    task = task_of(prompt, user, model, DICE.choice(SHAPES), at)
    stored = image_of(task, picture, [ObjectId(), ObjectId()]).to_mongo()
    # As the product stores it: empty ones are absent, and so not in their indexes.
    return {key: value for key, value in stored.items() if value != []}


SOON = {"/": "30 ms", "/gallery": "30 ms", "/?show=all": "30 ms", "/health": ""}
SOON_ROUNDS = 40


def quick_rows(site: Site) -> Iterator[Row]:
    """Milliseconds to the answer, at the median, with nothing stored."""
    with started(site) as port:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(link):
            for path, goal in SOON.items():
                took = statistics.median(ask(link, path)[0] for _ in range(SOON_ROUNDS))
                yield Row(f"page {path}", f"{1000 * took:.1f} ms", goal=goal)


def look(
    name: str,
    links: list[http.client.HTTPConnection],
    paths: list[str],
    sizes: tuple[int, int],
) -> Row:
    """The medians of each link's page, and how many pictures it shows."""
    quoted = [quote(path, safe="/?=&:") for path in paths]
    rounds = [list(map(ask, links, quoted)) for _ in range(ROUNDS)]
    few, many = (
        (1000 * statistics.median(seconds for seconds, _ in column), column[0][1])
        for column in zip(*rounds, strict=True)
    )
    return Row(
        f"{name}, of {sizes[1]:,}",
        f"**{many[0] / few[0]:.2f}**: {many[0]:.1f} ms, {many[1]} pictures",
        f"of {sizes[0]:,}: {few[0]:.1f} ms, {few[1]} pictures",
        "1.5",
    )


def ask(link: http.client.HTTPConnection, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    page = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began, page.count(b'class="photo"')
