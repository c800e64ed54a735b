"""The data directory: one jimeng at a time, and the demo provider's keys."""

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

LAST_ONES = 15.0  # seconds to wait for what a killed jimeng left behind to end

ADDRESS = "web.address"


@contextmanager
def locked(data_dir: Path) -> Iterator[int]:
    """
    Hold the directory, made if need be; gives the descriptor that is the lock.

    The lock lasts until every process that holds the descriptor has ended, so a
    leash that holds it keeps the next jimeng waiting until its child is gone.

    Raises:
        ConfigError: another jimeng runs on it, or it cannot be written to.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(data_dir, error) from error
    try:
        take(lock, data_dir)
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            raise unusable(data_dir, error) from error
        yield lock
    finally:
        os.close(lock)


def take(lock: int, data_dir: Path) -> None:
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


def unusable(data_dir: Path, error: OSError) -> ConfigError:
    return ConfigError(f"DATA_DIR {data_dir} cannot be used: {error.strerror}")


def holder(lock: int) -> int:
    """The process id in the lock file, or 0 while there is none yet."""
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def is_used(data_dir: Path) -> bool:
    """Whether a jimeng runs on it, as far as the lock tells."""
    try:
        lock = os.open(data_dir / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return is_running(holder(lock))
    finally:
        os.close(lock)


def keep_address(data_dir: Path, address: str) -> None:
    """For commands, which are given other settings: where the pages are."""
    with suppress(OSError):  # a full disk, which is told of elsewhere
        (data_dir / ADDRESS).write_text(address, "utf-8")


def stored_address(data_dir: Path) -> str:
    """Where the pages of the jimeng that runs on it are; empty where none does."""
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
        return True  # somebody else's
    return pid > 0


def demo_keys(path: Path) -> dict[str, str]:
    """The demo provider's keys, kept in *path*, made at random the first time."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {name: str(kept[name]) for name in ("access", "secret", "ark")}
    except (OSError, ValueError, KeyError, TypeError):
        made = {
            "access": "AKDEMO" + secrets.token_hex(16),
            "secret": secrets.token_urlsafe(32),
            "ark": secrets.token_urlsafe(32),
        }
    write_private(path, json.dumps(made))
    return made
