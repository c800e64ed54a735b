"""Ids, which nobody guesses: random bits, in those of tasks behind the time."""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
PREFIX = "volcengine_img_"
MOMENT = 10  # characters
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]  # by ten bits
PLACES = 1 << 12  # of tasks that are asked for together


def new_id(prefix: str, octets: int = 12) -> Callable[[], str]:
    """What makes ids that begin so, of that many random bytes."""
    return lambda: prefix + secrets.token_hex(octets)


def new_task_id() -> str:
    """The prefix, 10 characters of time in milliseconds, 100 random bits."""
    return task_id_of(time.time_ns() // 1_000_000, secrets.randbits(100))


def derived_task_id(moment: datetime, place: int, secret: str) -> str:
    """
    The id that follows from where a task comes from: made again it is the same.

    Args:
        place: 0 to `PLACES` - 1; of one moment they are ordered by it.
        secret: What nobody guesses who does not know it, of at least 88 bits.
    """
    bits = int.from_bytes(hashlib.sha256(f"{place} {secret}".encode()).digest()[:11])
    return task_id_of(round(moment.timestamp() * 1000), (place << 88) | bits)


def age_of(task_id: str) -> float:
    """Seconds since the moment that is in the id."""
    moment = 0
    for letter in task_id.removeprefix(PREFIX)[:MOMENT]:
        moment = moment << 5 | max(ALPHABET.find(letter), 0)
    return time.time() - moment / 1000


def task_id_of(moment: int, rest: int) -> str:
    """
    Args:
        moment: Milliseconds since 1970.
        rest: 100 bits.
    """
    number = (moment << 100) | rest
    pairs = [PAIRS[number >> at & 1023] for at in range(140, -1, -10)]
    return PREFIX + "".join(pairs)
