"""How many commands a request costs, as MongoDB and Redis count them themselves."""

from collections.abc import Callable

from pymongo import MongoClient
from redis import Redis

ASKED = ("find", "aggregate", "count", "insert", "update", "findAndModify", "delete")
ROUNDS = 200  # requests: what is read now and then falls on all of them


def commands(mongodb_uri: str, redis_url: str, send: Callable[[], object]) -> tuple:
    """
    Commands of MongoDB and of Redis for each call of *send*.

    What a script of Redis calls counts as well, so only what comes from outside is
    taken: scripts, lengths and pushes.
    """
    with MongoClient(mongodb_uri) as mongo, Redis.from_url(redis_url) as redis:

        def counted() -> tuple[int, int]:
            found = mongo.admin.command("serverStatus")["metrics"]["commands"]
            sent = redis.info("commandstats")
            calls = [sent.get(f"cmdstat_{n}", {}) for n in ("eval", "evalsha", "lpush")]
            asked = sum(found[name]["total"] for name in ASKED)
            return asked, sum(each.get("calls", 0) for each in calls)

        before = counted()
        for _ in range(ROUNDS):
            send()
        after = counted()
    return tuple((b - a) / ROUNDS for a, b in zip(before, after, strict=True))
