"""Password hashing: expensive by design, so parallel and waiting work is limited."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.security import check_password_hash, generate_password_hash

from jimeng.errors.access import SignInBusy

# Of OWASP's equally strong parameter sets the one with 32 MiB: several at once must not
# fill a small machine. Takes a quarter of a second.
# Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
METHOD = "scrypt:32768:8:3"
# In this process. Each of the two web processes uses half of the cores: with more,
# requests would time out waiting for a core.
MAX_PARALLEL = max(1, (os.cpu_count() or 1) // 2)
MAX_WAITING = 8  # an eighth of the threads that answer requests
RETRY_AFTER_S = 2  # seconds

_running = threading.BoundedSemaphore(MAX_PARALLEL)
_waiting = threading.BoundedSemaphore(MAX_PARALLEL + MAX_WAITING)


def in_own_thread(work: Callable, arguments: tuple) -> Any:
    """
    Call *work*. A server whose requests share one thread replaces this, so that they
    go on meanwhile.
    """
    return work(*arguments)


@contextmanager
def hashing_permit() -> Iterator[None]:
    """
    Acquire a permit to hash, and release it at the end.

    Raises:
        SignInBusy: too many are waiting already.
    """
    if not _waiting.acquire(blocking=False):
        raise SignInBusy("too many passwords at once", retry_after=RETRY_AFTER_S)
    try:
        with _running:
            yield
    finally:
        _waiting.release()


def is_right(hashed: str | None, password: str) -> bool:
    """
    Compare a password with its stored hash; without one it is wrong, after the same
    amount of work.
    """
    with hashing_permit():
        found = matches(hashed or dummy_hash(METHOD), password)
        if hashed and not found and (method := missing_work(hashed)):
            # Timing must not reveal that the account exists.
            matches(dummy_hash(method), password)
    return found and bool(hashed)


def matches(hashed: str, password: str) -> bool:
    return bool(in_own_thread(check_password_hash, (hashed, password)))


def uses_current_method(hashed: str) -> bool:
    return method_of(hashed) == METHOD


def method_of(hashed: str) -> str:
    return hashed.partition("$")[0]


def missing_work(hashed: str) -> str | None:
    """
    Return a method for the work that an older release's hash takes less than a current
    one; None if it takes no less.
    """
    n, r, p = map(int, method_of(hashed).split(":")[1:])
    now_n, now_r, now_p = map(int, METHOD.split(":")[1:])
    times = now_n * now_r * now_p // (n * r) - p
    return f"scrypt:{n}:{r}:{times}" if times > 0 else None


def make_hash(password: str) -> str:
    """Hash a password for storage."""
    with hashing_permit():
        return str(in_own_thread(generate_password_hash, (password, METHOD)))


def dummy_hash(method: str) -> str:
    """
    Return a hash that matches no password, and takes the usual work to compare with.

    Creating it takes no such work: twice the work would reveal by timing that the
    account does not exist.
    """
    return f"{method}${secrets.token_hex(8)}${secrets.token_hex(64)}"
