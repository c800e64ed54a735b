"""Hashing passwords: dear on purpose, so a few at a time, and no long line for it."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from jimeng.errors.access import SignInBusy

# Of the sets of parameters that OWASP holds for equally strong, the one of 32 MiB:
# some at once must not fill a small machine. A quarter of a second.
# Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
METHOD = "scrypt:32768:8:3"
# Beside each other in this process. Of the web's two, each takes half of the cores:
# with more the database's answers would wait for a core until their time is over.
AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
MAX_WAITING = 8  # an eighth of the threads that answer requests
RETRY_AFTER_S = 2  # seconds

_running = threading.BoundedSemaphore(AT_ONCE)
_line = threading.BoundedSemaphore(AT_ONCE + MAX_WAITING)


@contextmanager
def turn() -> Iterator[None]:
    """
    Wait for a core to hash on.

    Raises:
        SignInBusy: too many wait already.
    """
    if not _line.acquire(blocking=False):
        raise SignInBusy("too many passwords at once", retry_after=RETRY_AFTER_S)
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
        found = check_password_hash(hashed or no_password(METHOD), password)
        if hashed and not found and (method := missing(hashed)):
            # It must not be told by the time that there is such an account.
            check_password_hash(no_password(method), password)
    return found and bool(hashed)


def is_of_today(hashed: str) -> bool:
    return method_of(hashed) == METHOD


def method_of(hashed: str) -> str:
    return hashed.partition("$")[0]


def missing(hashed: str) -> str | None:
    """The work that a hash of an older release lacks, as a method."""
    n, r, p = map(int, method_of(hashed).split(":")[1:])
    now_n, now_r, now_p = map(int, METHOD.split(":")[1:])
    times = now_n * now_r * now_p // (n * r) - p
    return f"scrypt:{n}:{r}:{times}" if times > 0 else None


def make_hash(password: str) -> str:
    """What is kept of a password."""
    with turn():
        return generate_password_hash(password, METHOD)


def no_password(method: str) -> str:
    """
    What no password hashes to, and as much work to compare with as any such hash.

    It is made without that work: the first time it would be done twice otherwise,
    which would tell that there is no such account.
    """
    return f"{method}${secrets.token_hex(8)}${secrets.token_hex(64)}"
