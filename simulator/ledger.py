"""The ledger of accepted and billed submissions, in SQLite, which survives restarts."""

import json
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Literal

from simulator.inputs import Order

SCHEMA = """
CREATE TABLE IF NOT EXISTS task (
    task_id TEXT PRIMARY KEY, req_key TEXT NOT NULL, prompt TEXT NOT NULL,
    seed INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    request_id TEXT NOT NULL, accepted_at REAL NOT NULL, finished_at REAL NOT NULL,
    outcome TEXT NOT NULL, polls INTEGER NOT NULL, downloads INTEGER NOT NULL,
    images INTEGER NOT NULL, picture TEXT NOT NULL, mark TEXT NOT NULL,
    given TEXT NOT NULL, account TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS running ON task (req_key, finished_at);
CREATE INDEX IF NOT EXISTS minute ON task (req_key, accepted_at);
CREATE TABLE IF NOT EXISTS counter (
    kind TEXT, name TEXT, value INTEGER NOT NULL, PRIMARY KEY (kind, name));
"""
# Columns of later releases.
ADDED = {
    "video": "TEXT NOT NULL DEFAULT ''",
    "started_at": "REAL NOT NULL DEFAULT 0",
    "takes": "REAL NOT NULL DEFAULT 0",
    "expires_at": "REAL NOT NULL DEFAULT 0",
    "is_deleted": "INTEGER NOT NULL DEFAULT 0",
    "micros": "INTEGER NOT NULL DEFAULT 0",
}


@dataclass(frozen=True)
class Row:
    """
    An accepted submission.

    Attributes:
        req_key: The req_key of Visual, or the model id of Ark.
        accepted_at: Unix time.
        finished_at: Unix time of its end, which may be in the future.
        outcome: ``done``, or the error code with which it ends.
        polls: Number of polls.
        downloads: Number of downloads of its pictures.
        images: Number of output pictures; each is billed.
        picture: Pillow's name of their format.
        mark: ``logo_info`` of the pictures, as JSON; empty for none.
        given: The input pictures, as JSON of `inputs.Order`.
        account: The billed account: an access key, empty for the first account.
        video: What the video is to be, as JSON of `videos.Order`; empty for pictures.
        started_at: Unix time until which it is queued.
        takes: Seconds from `started_at` to its end.
        expires_at: Unix time at which it is given up; 0 for never.
        is_deleted: Whether its record was removed; the bill remains.
        micros: The price of a video, in micro-yuan, due if it is done.
    """

    task_id: str
    req_key: str
    prompt: str
    seed: int
    width: int
    height: int
    request_id: str
    accepted_at: float
    finished_at: float
    outcome: str = "done"
    polls: int = 0
    downloads: int = 0
    images: int = 1
    picture: str = "JPEG"
    mark: str = ""
    given: str = ""
    account: str = ""
    video: str = ""
    started_at: float = 0.0
    takes: float = 0.0
    expires_at: float = 0.0
    is_deleted: int = 0
    micros: int = 0

    def starting(self, at: float) -> "Row":
        """The row if it starts at Unix time *at*."""
        end = min(at + self.takes, self.expires_at or math.inf)
        return replace(self, started_at=at, finished_at=end)

    @property
    def ending(self) -> str:
        """``done``, ``cancelled``, ``expired``, or an error code."""
        late = self.expires_at and self.started_at + self.takes > self.expires_at
        return "expired" if late and self.outcome != "cancelled" else self.outcome

    @property
    def counted_as(self) -> str:
        """The key by which the account's limit counts it."""
        return f"{self.req_key}@{self.account}" if self.account else self.req_key

    @property
    def billed(self) -> bool:
        """Whether it is billed, which is known from the start: errors are free."""
        return self.ending == "done" and self.images > 0

    def as_dict(self, now: float) -> dict[str, object]:
        """The row as shown at *now*: a running task has no end yet."""
        ended = self.finished_at <= now
        hidden = {"given"} if self.video else {"given", *ADDED}
        shown = {name: each for name, each in vars(self).items() if name not in hidden}
        if self.video:
            shown["video"] = json.loads(self.video)
        return {
            **shown,
            "inputs": Order.loads(self.given).listed(),
            "billed": self.billed,
            "outcome": self.ending if ended else "running",
            "finished_at": self.finished_at if ended else None,
        }


def next_start(others: list[Row], limit: int, now: float) -> float:
    """
    When one more task starts.

    Args:
        others: The tasks that run, or are queued before it.
        limit: How many run at the same time.
    """
    ends = sorted((each.finished_at for each in others), reverse=True)
    # Only the last task of each slot can be among the latest to end.
    return max(now, ends[limit - 1]) if len(ends) >= limit else now


COLUMNS = ", ".join(each.name for each in fields(Row))
PLACEHOLDERS = ", ".join("?" for _ in fields(Row))
Full = Literal["running", "minute"]  # the limit that refuses a submission


class Ledger:
    """Thread-safe; every method is one transaction. Times are Unix times."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # Durable enough for a killed process, which tests simulate.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        known = {row[1] for row in self._db.execute("PRAGMA table_info(task)")}
        for name in ADDED.keys() - known:
            self._db.execute(f"ALTER TABLE task ADD COLUMN {name} {ADDED[name]}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def accept(
        self, row: Row, *, limit: int, per_minute: int = 0, queues: bool = False
    ) -> Row | Full:
        """
        Insert *row*, unless that would exceed a limit.

        Args:
            limit: Maximum of running tasks of one req_key.
            per_minute: Maximum of pictures of one req_key per minute; 0 for no limit.
            queues: Whether tasks beyond *limit* wait instead of being refused.

        Returns:
            The inserted row, or the limit that it would exceed.
        """
        with self._transaction() as db:
            if per_minute and self._last_minute(row) + row.images > per_minute:
                return "minute"
            running = self._running(row, row.accepted_at)
            if queues:
                row = row.starting(next_start(self._ends(row), limit, row.accepted_at))
                running = min(running, limit - 1)
            elif running >= limit:
                return "running"
            db.execute(
                f"INSERT INTO task ({COLUMNS}) VALUES ({PLACEHOLDERS})",  # noqa: S608 - ours
                tuple(vars(row).values()),
            )
            db.execute(
                "INSERT INTO counter VALUES ('high_water', ?, ?) ON CONFLICT"
                " DO UPDATE SET value = max(value, excluded.value)",
                (row.counted_as, running + 1),
            )
            return row

    def cancel(self, task_id: str, *, limit: int, now: float) -> Row | None:
        """
        Cancel a task that is queued at *now*; those behind it move up.

        Returns:
            The cancelled row; None if it is not queued.
        """
        with self._transaction():
            row = self._find(task_id)
            if row is None or now >= min(row.started_at, row.finished_at):
                return None
            row = replace(row, outcome="cancelled", finished_at=now)
            self._store(row)
            queued = self._rows(
                "WHERE req_key = ? AND account = ? AND started_at > ?"
                " AND finished_at > ? ORDER BY accepted_at, rowid",
                *(row.req_key, row.account, now, now),
            )
            ends = [each for each in self._ends(row, now) if each.started_at <= now]
            for each in queued:
                each = each.starting(next_start(ends, limit, now))
                self._store(each)
                if each.started_at < each.finished_at:  # else it expires in the queue
                    ends.append(each)
            return row

    def find(self, task_id: str) -> Row | None:
        with self._lock:
            return self._find(task_id)

    def videos_of(self, account: str) -> list[Row]:
        """All video tasks of an account, the latest first."""
        with self._lock:
            return self._rows(
                "WHERE account = ? AND video != ''"
                " ORDER BY accepted_at DESC, rowid DESC",
                account,
            )

    def change(self, task_id: str, how: str, *values: object) -> Row | None:
        """
        Update a row, and return the updated row.

        Args:
            how: An SQL assignment such as ``mark = ?``, with its *values*.
        """
        with self._transaction() as db:
            query = f"UPDATE task SET {how} WHERE task_id = ?"  # noqa: S608 - ours
            db.execute(query, (*values, task_id))
            return self._find(task_id)

    def count(self, name: str) -> None:
        """Increment the counter of a call."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO counter VALUES ('calls', ?, 1)"
                " ON CONFLICT DO UPDATE SET value = value + 1",
                (name,),
            )

    def report(self, now: float) -> dict[str, object]:
        """The whole ledger as JSON, for developers and tests."""
        with self._lock:
            rows = self._rows("ORDER BY accepted_at, rowid")
            counters = self._db.execute("SELECT kind, name, value FROM counter")
            counts: dict[str, dict[str, int]] = {"high_water": {}, "calls": {}}
            for kind, name, value in counters:
                counts[kind][name] = value
            queues = {row.counted_as: row for row in rows}
            running = {
                each: self._running(queues[each], now) for each in sorted(queues)
            }
        return {
            "rows": [row.as_dict(now) for row in rows],
            "billed": sum(row.images for row in rows if row.billed),
            "video_micros": sum(row.micros for row in rows if row.billed),
            "running": running,
            **counts,
        }

    def clear(self) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM task")
            db.execute("DELETE FROM counter")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _find(self, task_id: str) -> Row | None:
        values = self._select("WHERE task_id = ?", task_id).fetchone()
        return Row(*values) if values else None

    def _select(self, which: str, *values: object) -> sqlite3.Cursor:
        query = f"SELECT {COLUMNS} FROM task {which}"  # noqa: S608 - both are ours
        return self._db.execute(query, values)

    def _rows(self, which: str, *values: object) -> list[Row]:
        return [Row(*each) for each in self._select(which, *values)]

    def _ends(self, row: Row, now: float | None = None) -> list[Row]:
        """The tasks of *row*'s account and model that run, or will."""
        return self._rows(
            "WHERE req_key = ? AND account = ? AND finished_at > ?"
            " AND started_at < finished_at",
            *(row.req_key, row.account, row.accepted_at if now is None else now),
        )

    def _store(self, row: Row) -> None:
        self._db.execute(
            "UPDATE task SET outcome = ?, started_at = ?, finished_at = ?"
            " WHERE task_id = ?",
            (row.outcome, row.started_at, row.finished_at, row.task_id),
        )

    def _last_minute(self, row: Row) -> int:
        return self._db.execute(
            "SELECT coalesce(sum(images), 0) FROM task WHERE req_key = ?"
            " AND account = ? AND accepted_at > ?",
            (row.req_key, row.account, row.accepted_at - 60),
        ).fetchone()[0]

    def _running(self, row: Row, now: float) -> int:
        """Count the running tasks of *row*'s account and model."""
        return self._db.execute(
            "SELECT count(*) FROM task WHERE req_key = ? AND account = ?"
            " AND finished_at > ?",
            (row.req_key, row.account, now),
        ).fetchone()[0]
