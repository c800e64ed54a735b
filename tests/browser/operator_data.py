"""What an operator finds on a busy morning, written into a server's database."""

import secrets
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pymongo.database import Database

from jimeng.documents import User
from tests.bench.backlog import LANE, insert, stored

ZONE = ZoneInfo("Asia/Shanghai")
# Pictures in each of the last 24 hours, the latest last.
HOURS = "2 0 0 1 0 3 8 14 22 31 27 18 25 40 36 28 33 21 12 9 6 4 7 5"
REASONS = [
    ("rate_limited", "50429", "no", 6),
    ("content_refused_prompt", "50412", "no", 3),
    ("submit_unknown", None, "unknown", 2),
    ("access_denied", "50400", "no", 1),
]
ACTIONS = [
    ("intake.pause", None, {}, {"ok": True}),
    ("intake.resume", None, {}, {"ok": True}),
    ("queue.clear", None, {}, {"tasks": 12}),
    ("users.invite", None, {"role": "user"}, {"user": "{1}"}),
    ("users.role", "{1}", {"role": "admin"}, {"ok": True}),
    ("users.role", "{0}", {"role": "user"}, {"error": "last_admin"}),
    ("users.quota", "{1}", {"quota": None}, {"ok": True}),
    ("users.disable", "{2}", {}, {"ok": True}),
    ("users.delete", "user_0123456789abcdef01234567", {}, {"ok": True}),
    ("failures.drop", "{task}", {}, {"done": 4}),
    (
        *("failures.retry", "{task}"),
        *({"accept_double_charge": True}, {"task": "{task}"}),
    ),
    (
        *("failures.retry_all", None),
        *({"code": "rate_limited", "day": "2026-03-14"}, {"done": 31, "left_out": 2}),
    ),
    ("failures.drop_all", None, {"code": "content_refused_prompt"}, None),
]


def clear(database: Database) -> None:
    for name in (
        *("generations", "tasks", "images", "audit", "switches", "prices", "costs"),
    ):
        database[name].delete_many({})
    database.users.delete_many({"email": {"$regex": "@studio.example$"}})


def fill(database: Database) -> None:
    """Users, a day of pictures, failures, and actions."""
    clear(database)
    now = datetime.now(UTC)
    people = [user(database, *each, now) for each in PEOPLE]
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for ago, n in enumerate(map(int, reversed(HOURS.split()))):
        at = min(hour - timedelta(hours=ago) + timedelta(minutes=20), now)
        rows += [picture(people[each % 2], at, "done") for each in range(n)]
    database.generations.insert_many(rows)
    for code, provider_code, charged, n in REASONS:
        for number in range(n):
            at = now - timedelta(minutes=1 + 7 * number)
            fail(database, people[number % 3], at, code, provider_code, charged)
    count_ends(database)
    held_by_removed_account(database, people[0], now)
    act(database, people, now)
    lane = "volcengine_jimeng:jimeng_t2i_v40"
    database.costs.insert_many(costs(people[0], lane, 3, key_id="key_of_a_script"))


def count_ends(database: Database) -> None:
    """The sums of how all these pictures have ended, as a worker would store them."""
    ends: dict[tuple, Counter] = defaultdict(Counter)
    for row in database.generations.find({}):
        code = (row.get("error") or {}).get("code", "")
        end = f"{row['state']}|{row['charged']}|{code}"
        day = row["ended_at"].astimezone(ZONE).date().isoformat()
        ends["hour", f"{row['ended_at']:%Y-%m-%dT%H}", ""][end] += 1
        ends["all", day, ""][end] += 1
        ends["user", day, row["user_id"]][end] += 1
    database.costs.insert_many(
        {
            **{"_id": f"ends {of} {day} {user_id}", "of": of, "day": day},
            **({"user_id": user_id} if user_id else {}),
            **{"lane": LANE, "ends": dict(found), "batch": 1},
        }
        for (of, day, user_id), found in ends.items()
    )


def costs(user_id: str, lane: str, days: int, **key: str) -> list[dict]:
    """Sums of costs of a user and of all, a row of each for each day."""
    rows = []
    for ago in range(days):
        day = (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
        n = 3 + ago * 7 % 23
        spent = {"day": day, "lane": lane, "account": "main", "batch": 1}
        spent |= {"micros": n * 220_000, "outputs": n, "unknown": 0, "unpriced": 0}
        mine = {"user_id": user_id, "key_id": key.get("key_id", "")}
        name = f"{day}|{lane}|{user_id}"
        rows += [
            {"_id": f"all|{name}", "of": "all", **spent},
            {"_id": f"user|{name}", "of": "user", **spent, **mine},
        ]
    return rows


def held_by_removed_account(database: Database, user_id: str, now: datetime) -> None:
    """A picture that an account draws which is not in the settings."""
    mine = {"account": "studio", "slot": "studio/0", "due_at": now + timedelta(days=1)}
    row = picture(user_id, now, "generating", charged="unknown", **mine)
    del row["ended_at"]
    database.generations.insert_one(row)


def act(database: Database, people: list[str], now: datetime) -> None:
    """Entries of the audit trail, of every kind there is."""
    names = {f"{{{number}}}": user_id for number, user_id in enumerate(people)}
    names["{task}"] = task_id()

    def named(found: dict) -> dict:
        return {key: names.get(value, value) for key, value in found.items()}

    for number, (action, target, details, outcome) in enumerate(ACTIONS):
        row = {
            "_id": f"act_{number:024}",
            "at": now - timedelta(minutes=90 - 6 * number),
            "by": people[0],
            "action": action,
            "details": named(details),
            "address": ADDRESSES[number % len(ADDRESSES)],
        }
        if target:
            row |= named({"target": target})
        if outcome:
            row["outcome"] = named(outcome)
        database.audit.insert_one(row)


def pause(database: Database, email: str, name: str) -> None:
    """Throw a switch as the admin with that e-mail."""
    admin = database.users.find_one({"email": email})
    now = datetime.now(UTC)
    database.switches.insert_one({"_id": name, "paused_at": now, "by": admin["_id"]})


# None was noted of what went on in the background; the other is as long as they get.
ADDRESSES = ["", "192.0.2.7", "2001:db8:85a3:1234:5678:8a2e:1370:7334"]

PEOPLE = [
    ("林小满", "lin@studio.example", "admin", False),
    ("Ada Lovelace", "ada@studio.example", "user", False),
    ("周也", "zhou@studio.example", "user", True),
]


def user(database, name, email, role, is_disabled, now) -> str:
    user_id = "user_" + secrets.token_hex(12)
    row = User.row(
        id=user_id,
        name=name,
        email=email,
        email_key=email,
        role=role,
        password="x",
        created_at=now - timedelta(days=40),
    )
    if is_disabled:
        row["disabled_at"] = now
    database.users.insert_one(row)
    return user_id


def task_id() -> str:
    return "volcengine_img_" + secrets.token_hex(15)


def picture(user_id: str, at: datetime, state: str, **fields: object) -> dict:
    name = str(fields.pop("task_id", task_id()))
    return {
        "_id": f"{name}_0",
        "task_id": name,
        "index": 0,
        "user_id": user_id,
        "lane": LANE,
        "provider": "volcengine_jimeng",
        "req_key": "jimeng_t2i_v30",
        "state": state,
        "attempts": 1,
        "charged": "yes",
        "created_at": at,
        "ended_at": at,
        **fields,
    }


def fail(database, user_id, at, code, provider_code, charged) -> str:
    """A task that has failed, as the product stores it."""
    error = {
        "code": code,
        "charged": charged,
        "provider_code": provider_code,
        "provider_request_id": secrets.token_hex(10),
    }
    error = {key: value for key, value in error.items() if value}
    prompt = "晨雾里的码头"
    task, generation = stored(
        {"user_id": user_id, "prompt": prompt, "created_at": at},
        {
            "input": {"prompt": prompt},
            "model": "doubao-seedream-3.0-t2i",
            "status": "failed",
            "outcomes": {"0": {"state": "failed", "error": error}},
            "updated_at": at,
            "completed_at": at,
        },
        {"state": "failed", "charged": charged, "error": error, "ended_at": at},
    )
    insert(database, [(task, generation)])
    return task["_id"]
