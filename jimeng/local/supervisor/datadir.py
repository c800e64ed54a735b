"""The data directory: its exclusive lock, and the demo provider's keys."""

import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jimeng.errors import ConfigError
from jimeng.local.embedded import write_private

FULL = {errno.ENOSPC, errno.EDQUOT}
LAST_ONES = 15.0  # seconds to wait for the processes of a killed jimeng

ADDRESS = "web.address"


@contextmanager
def locked(data_dir: Path) -> Iterator[int]:
    """
    Lock the directory, created if missing; yield the lock's descriptor.

    The lock lasts until every process that holds the descriptor has exited: a parent
    watch that holds it delays the next jimeng until its child has exited.

    Raises:
        ConfigError: another jimeng uses it, or it is not writable.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(data_dir, error) from error
    try:
        acquire(lock, data_dir)
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            raise unusable(data_dir, error) from error
        yield lock
    finally:
        os.close(lock)


def acquire(lock: int, data_dir: Path) -> None:
    deadline = time.monotonic() + LAST_ONES
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(lock)
        except OSError as error:
            raise unusable(data_dir, error) from error
        if is_running(pid) or time.monotonic() > deadline:
            raise ConfigError(
                f"it is already running on {data_dir}, pid {pid}; stop that one, or "
                "choose another directory with DATA_DIR"
            )
        time.sleep(0.05)


def unusable(path: Path | str, error: OSError) -> ConfigError:
    """The error that names what cannot be used of the directory, and what to do."""
    way_out = "free some space there" if error.errno in FULL else "run it as its owner"
    return ConfigError(
        f"DATA_DIR {path} cannot be used: {error.strerror}; {way_out}, or choose "
        "another directory with DATA_DIR"
    )


def holder(lock: int) -> int:
    """The process id in the lock file; 0 if there is none yet."""
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def is_used(data_dir: Path) -> bool:
    """Whether the process in the directory's lock file is running."""
    try:
        lock = os.open(data_dir / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return is_running(holder(lock))
    finally:
        os.close(lock)


def keep_address(data_dir: Path, address: str) -> None:
    """Store the URL of the pages for commands, whose settings differ."""
    with suppress(OSError):  # a full disk, which is reported elsewhere
        (data_dir / ADDRESS).write_text(address, "utf-8")


def stored_address(data_dir: Path) -> str:
    """The URL of the jimeng that runs on the directory; empty if none runs."""
    try:
        return (data_dir / ADDRESS).read_text("utf-8") if is_used(data_dir) else ""
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's process
    return pid > 0


def demo_keys(path: Path) -> dict[str, str]:
    """The demo provider's keys, stored in *path*; random, created once."""
    try:
        stored = json.loads(path.read_text("utf-8"))
        return {name: str(stored[name]) for name in ("access", "secret", "ark")}
    except (OSError, ValueError, KeyError, TypeError):
        created = {
            "access": "AKDEMO" + secrets.token_hex(16),
            "secret": secrets.token_urlsafe(32),
            "ark": secrets.token_urlsafe(32),
        }
    write_private(path, json.dumps(created))
    return created
