"""Hashing passwords: dear on purpose, so a few at a time, and no long line for it."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from jimeng.errors import SignInBusy

METHOD = "scrypt:32768:8:1"  # werkzeug's, and its parameters
# Beside each other in this process. Of the web's two, each takes half of the cores:
# with more the database's answers would wait for a core until their time is over.
AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
MOST_WAITING = 8  # half of the threads that answer requests
COME_AGAIN = 2  # seconds

_running = threading.BoundedSemaphore(AT_ONCE)
_line = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)


@contextmanager
def turn() -> Iterator[None]:
    """
    Wait for a core to hash on.

    Raises:
        SignInBusy: too many wait already.
    """
    if not _line.acquire(blocking=False):
        raise SignInBusy("too many passwords at once", retry_after=COME_AGAIN)
    try:
        with _running:
            yield
    finally:
        _line.release()


def is_right(hashed: str | None, password: str) -> bool:
    """
    Compare a password with the hash of it that is kept; where there is none it is
    wrong, after the same work.
    """
    with turn():
        found = check_password_hash(hashed or no_password(), password)
    return found and bool(hashed)


def make_hash(password: str) -> str:
    """What is kept of a password."""
    with turn():
        return generate_password_hash(password, METHOD)


def no_password() -> str:
    """
    What no password hashes to, and as much work to compare with as any hash.

    It is made without that work: the first time it would be done twice otherwise,
    which would tell that there is no such account.
    """
    return f"{METHOD}${secrets.token_hex(8)}${secrets.token_hex(64)}"
