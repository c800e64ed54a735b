"""The gallery's pages with 100 and with 10,000 pictures: milliseconds, by address."""

import http.client
import random
import statistics
import time
from collections.abc import Iterator
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
    "newest": "",
    "two characters": "q=黑猫",
    "one character": "q=猫",
    "two words": "q=黑猫 灯笼",
    "words that never meet": "q=黑猫灯笼",
    "nothing found": "q=独一无二",
    "favourites": "fav=1",
    "one model": "model=one",
    "one shape": "ratio=9:16",
    "model and shape": "model=one&ratio=9:16",
    "favourite, model, words": "fav=1&model=one&q=黑猫",
    "an empty month": "from=2001-01-01&to=2001-01-31",
    "trash": "trash=1",
}


def rows(site: Site) -> Iterator[Row]:
    """
    Fill a gallery of each size, and ask for each page of all in turns, so that what
    the machine does besides hits each.
    """
    dice = random.Random(8)
    with ExitStack() as servers:
        links, queries = [], []
        for size in SIZES:
            name = f"gallery_{size}"
            deep = {"a page deep down": fill(site.mongodb_uri, name, dice)}
            queries.append({**PAGES, **deep})
            settings = {"MONGODB_DATABASE": name}
            server = started(site.mongodb_uri, site.redis_url, **settings)
            port = servers.enter_context(server)
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            links.append(servers.enter_context(closing(link)))
        for name in queries[0]:
            paths = [f"/gallery?{each[name]}" for each in queries]
            yield look(f"gallery, {name}", links, paths, SIZES)


def fill(mongodb_uri: str, name: str, dice: random.Random) -> str:
    """
    Pictures of guest's and as many of somebody else's, a tenth in the trash.

    Returns:
        Query of a page deep down.
    """
    config = Config(MONGODB_URI=mongodb_uri, MONGODB_DATABASE=name)
    prepare(config)
    picture, now, size = inspect(png()), utcnow(), int(name.rpartition("_")[2])
    for user in ("guest", "somebody_else"):
        rows = [row(n, user, picture, now, dice) for n in range(size)]
        Image.collection().insert_many(rows)
    some = {"user_id": "guest", "$expr": {"$lt": [{"$rand": {}}, 0.1]}}
    Image.change(some, {"favourite": True})
    Image.change(some, {"trashed_at": now})
    return f"cursor={oldest_cursor()}"


def row(n: int, user: str, picture, now, dice: random.Random) -> dict:
    prompt = "，".join(dice.choices(WORDS, k=dice.randint(3, 12)))
    model = dice.choice(["one", "two", "three"])
    at = now - timedelta(minutes=7 * n)
    task = task_of(prompt, user, model, dice.choice(SHAPES), at)
    return image_of(task, picture, [ObjectId(), ObjectId()]).to_mongo()


def oldest_cursor() -> str:
    shown = {"user_id": "guest", "lists": "||"}
    rows = Image.collection().find(shown).sort([("created_at", 1), ("_id", 1)])
    return cursor_of(next(iter(rows.skip(70).limit(1))), "created_at")


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
