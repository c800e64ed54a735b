"""The gallery's pages with 100 and with 10,000 pictures: milliseconds, by address."""

import http.client
import random
import statistics
import time
from datetime import timedelta
from urllib.parse import quote

from bson import ObjectId

from jimeng import documents
from jimeng.config import Config
from jimeng.cursors import cursor_of
from jimeng.documents import Image, utcnow
from jimeng.pictures import inspect
from tests.conftest import png
from tests.hung import image_of, task_of

SIZES = (100, 10_000)
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


def measure(port: int, mongodb_uri: str) -> None:
    """Fill the guest's gallery, ask for each page, and print a table."""
    documents.connect(Config(MONGODB_URI=mongodb_uri), timeout=30)
    documents.ensure_indexes()
    dice, columns, there = random.Random(8), [], 0
    for size in SIZES:
        fill(there, size, dice)
        there = size
        deep = f"cursor={oldest_cursor()}"
        pages = {**PAGES, "a page deep down": deep}
        columns.append({name: look(port, query) for name, query in pages.items()})
    print(f"\n{'gallery, ms a page':26}" + "".join(f"{size:>10,}" for size in SIZES))
    for name in columns[0]:
        print(f"{name:26}" + "".join(f"{column[name]:10.1f}" for column in columns))


def fill(first: int, last: int, dice: random.Random) -> None:
    """Pictures of guest's and as many of somebody else's, a tenth in the trash."""
    picture, now = inspect(png()), utcnow()
    for user in ("guest", "somebody_else"):
        rows = [row(n, user, picture, now, dice) for n in range(first, last)]
        Image.collection().insert_many(rows)
    chosen = {"user_id": "guest", "index": 0}
    some = {"$expr": {"$lt": [{"$rand": {}}, 0.1]}}
    Image.change({**chosen, **some}, {"favourite": True})
    Image.change({**chosen, **some}, {"trashed_at": now})


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


def look(port: int, query: str) -> float:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    path = f"/gallery?{quote(query, safe='=&:')}"
    times = [ask(link, path) for _ in range(ROUNDS)]
    link.close()
    return statistics.median(times) * 1000


def ask(link: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began
