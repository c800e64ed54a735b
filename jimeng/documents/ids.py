"""Ids are unguessable: random bits, which in task ids follow a timestamp."""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
TASK_ID_PREFIX = "volcengine_img_"
TIMESTAMP_CHARS = 10  # characters of the timestamp
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]  # indexed by ten bits
MAX_DERIVED_IDS = 1 << 12  # tasks that can be derived for one moment


def new_token() -> str:
    """Return a random token of 96 bits, for example for a claim."""
    return secrets.token_urlsafe(12)


def new_id(prefix: str, octets: int = 12) -> Callable[[], str]:
    """Return a generator of ids: *prefix*, and *octets* random bytes."""
    return lambda: prefix + secrets.token_hex(octets)


def new_task_id() -> str:
    """Return the prefix, 10 characters of time in milliseconds, and 100 random bits."""
    return task_id_of(time.time_ns() // 1_000_000, secrets.randbits(100))


def derived_task_id(moment: datetime, index: int, secret: str) -> str:
    """
    Derive a task id deterministically: repeating the creation yields the same id.

    Args:
        moment: The timestamp in the id.
        index: 0 to `MAX_DERIVED_IDS` - 1; orders the ids of one moment.
        secret: An unguessable value of at least 88 bits.
    """
    bits = int.from_bytes(hashlib.sha256(f"{index} {secret}".encode()).digest()[:11])
    return task_id_of(round(moment.timestamp() * 1000), (index << 88) | bits)


def age_of(task_id: str) -> float:
    """Return the seconds since the timestamp in the id."""
    moment = 0
    for letter in task_id.removeprefix(TASK_ID_PREFIX)[:TIMESTAMP_CHARS]:
        moment = moment << 5 | max(ALPHABET.find(letter), 0)
    return time.time() - moment / 1000


def task_id_of(moment: int, rest: int) -> str:
    """
    Encode a task id.

    Args:
        moment: Milliseconds since 1970.
        rest: 100 bits.
    """
    number = (moment << 100) | rest
    pairs = [PAIRS[number >> at & 1023] for at in range(140, -1, -10)]
    return TASK_ID_PREFIX + "".join(pairs)
