"""
A consumer that dies, now and then, just before or after a write or a call.

It finds the gaps of a millisecond that a kill at a random time never hits.
``MONKEY_SEED`` and ``MONKEY_CHANCE`` (of dying, at each side of each) decide.
"""

import os
import random
import sys

import huey
import redis
import requests
from huey.bin.huey_consumer import consumer_main
from pymongo.collection import Collection

CHOICE = random.Random(int(os.environ["MONKEY_SEED"]))
CHANCE = float(os.environ["MONKEY_CHANCE"])
TARGETS = [
    (Collection, "find_one_and_update"),
    (Collection, "find_one_and_delete"),
    (Collection, "update_one"),
    (Collection, "update_many"),
    (Collection, "bulk_write"),
    (Collection, "insert_one"),
    (Collection, "insert_many"),
    (requests.Session, "send"),
    (redis.Redis, "lpush"),
    (huey.RedisHuey, "dequeue"),
]


def perhaps_die() -> None:
    if CHOICE.random() < CHANCE:
        os.kill(os.getpid(), 9)


def haunt(owner: type, name: str) -> None:
    original = getattr(owner, name)

    def wrapped(*args, **kwargs):
        perhaps_die()
        result = original(*args, **kwargs)
        perhaps_die()
        return result

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    for target in TARGETS:
        haunt(*target)
    sys.argv = ["huey_consumer", "wsgi.huey", "-k", "thread", "-w", "8", "-n"]
    sys.path.insert(0, os.environ["PYTHONPATH"])
    consumer_main()
