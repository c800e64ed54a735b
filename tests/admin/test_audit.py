"""The audit trail: whatever an operator does here leaves an entry."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

import jimeng
from jimeng.documents import AuditEntry, PriceRow, utcnow
from jimeng.documents.principal import Principal, recorded
from jimeng.errors import QueueUnavailable
from jimeng.errors.access import AdminsOnly
from jimeng.gallery import shares
from jimeng.i18n import MESSAGES
from jimeng.operations import audit, failures, users
from jimeng.tasks import clear_queue
from tests.admin.pages import ENGLISH, OPERATOR, actions, fail, text_of, unknown
from tests.conftest import come_due
from tests.hung import hang
from tests.page import send
from tests.rest import new_user

# What each form takes, and the action that it leaves behind. Names in braces are those
# of `places`.
FORMS = {
    "admin.switch": ({"name": "intake"}, {"paused": "1"}, "intake.pause"),
    "admin.clear": ({}, {"word": "clear"}, "queue.clear"),
    "admin.retry_failures": ({}, {}, "failures.retry_all"),
    "admin.drop_failures": ({}, {}, "failures.drop_all"),
    "admin.retry_failure": ({"task_id": "{failed}"}, {}, "failures.retry"),
    "admin.drop_failure": ({"task_id": "{failed}"}, {}, "failures.drop"),
    "admin.invite": ({}, {"name": "B", "email": "b@example.com"}, "users.invite"),
    "admin.invite_again": ({"user_id": "{user}"}, {}, "users.invite_again"),
    "admin.set_email": ({"user_id": "{user}"}, {"email": "e@x.org"}, "users.email"),
    "admin.set_role": ({"user_id": "{user}"}, {"role": "admin"}, "users.role"),
    "admin.set_quota": ({"user_id": "{user}"}, {"quota": "5"}, "users.quota"),
    "admin.set_budget": ({"user_id": "{user}"}, {"daily": "5"}, "users.update"),
    "admin.disable": ({"user_id": "{user}"}, {}, "users.disable"),
    "admin.enable": ({"user_id": "{user}"}, {}, "users.enable"),
    "admin.end_sessions": ({"user_id": "{user}"}, {}, "users.end_sessions"),
    "admin.reset_second_factor": (
        {"user_id": "{user}"},
        {},
        "users.reset_second_factor",
    ),
    "admin.add_price": (
        {},
        {"model": "doubao-seedream-4.0", "yuan": "0.2"},
        "prices.add",
    ),
    "admin.remove_price": ({"price_id": "{price}"}, {}, "prices.remove"),
    "admin.decide_cost": (
        {"picture_id": "{unknown}_0"},
        {"charged": "yes"},
        "costs.decide",
    ),
    "admin.end_share": ({"share_id": "{picture}"}, {}, "shares.revoke"),
    "admin.delete_user": (
        {"user_id": "{user}"},
        {"email": "ada@example.com"},
        "users.delete",
    ),
}

IDS = ("task_id", "user_id", "share_id", "price_id", "picture_id")


def doors(app) -> set[str]:
    """The endpoints of the operator's forms."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and "POST" in (rule.methods or ())
    }


def unknown_charge(client, provider, work_off) -> str:
    """A task of which an operator has to decide whether it was charged."""
    task_id = fail(client, provider, work_off, unknown())
    come_due(state="unknown")
    work_off()
    return task_id


@pytest.fixture
def places(client, provider, work_off) -> dict[str, str]:
    """Something of each kind that can be acted upon."""
    (picture,) = hang("a", user_id="ada")
    shares.share_or_update(Principal("ada"), picture)
    price = PriceRow(
        lane="x",
        steps=[{"micros": 1}],
        valid_from=utcnow() + timedelta(days=1),
        by="a",
    )
    price.add()
    return {
        "picture": picture,
        "price": price.id,
        "unknown": unknown_charge(client, provider, work_off),
        "failed": fail(client, provider, work_off),
        "user": new_user(client, "ada@example.com", "Ada")["id"],
    }


def test_every_form_is_in_the_list_below(app):
    """A form that is added has to say what it leaves behind."""
    assert doors(app) == set(FORMS)


@pytest.mark.parametrize("endpoint", FORMS)
def test_every_form_leaves_one_entry(app, client, places, endpoint):
    """With who did it, to what, and what came of it; the page has words for each."""
    route, fields, action = FORMS[endpoint]
    route = {name: value.format(**places) for name, value in route.items()}
    with app.test_request_context():
        path = app.url_for(endpoint, **route)

    answer = send(client, path, **fields)

    assert answer.status_code in {200, 303}, answer.text
    (entry,) = AuditEntry.collection().find()
    target = next((route[name] for name in IDS if name in route), None)
    assert (entry["action"], entry.get("target")) == (action, target)
    assert entry["outcome"] and "error" not in entry["outcome"]
    told = {*entry.get("details", {}), *entry["outcome"]} - {"ok"}
    assert {f"fact.{name}" for name in told} <= set(MESSAGES)
    assert MESSAGES[f"act.{action}"][1] in text_of(
        client.get("/admin/audit", headers=ENGLISH)
    )


def test_no_link_changes_anything(app, client, places):
    """Looking leaves no entry: whatever acts is a form."""
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and "GET" in (rule.methods or ())
    ]
    for rule in rules:
        path = rule.rule.replace("<user_id>", places["user"])
        assert client.get(path).status_code < 400, path

    assert len(rules) > 8
    assert actions() == []


def test_people_are_told_by_name(client):
    """Who did it, and to whom, with a way there; who is gone stays as an id."""
    root = new_user(client, "root@example.com", "Root")["id"]
    bob = new_user(client, "bob@example.com", "Bob")["id"]
    admin = Principal(root, is_operator=True)

    users.set_quota(admin, bob, 7)
    invited, _ = users.invite(admin, email="c@example.com", name="C", role="user")
    users.delete(admin, invited.id, email="c@example.com")

    page = client.get("/admin/audit", headers=ENGLISH)
    words = text_of(page)
    assert "Root Changed a daily limit Bob Per day 7 Done" in words
    assert f"Root Invited a user Role User User {invited.id}" in words
    assert f"Root Deleted a user {invited.id} Done" in words
    assert f'href="/admin/users/{bob}"' in page.text
    assert f"/admin/users/{invited.id}" not in page.text


def test_answer_to_a_failure_leads_to_tasks(client, provider, work_off):
    """To the one that failed, and to the one that was made of it."""
    failed = fail(client, provider, work_off)
    made = failures.retry(OPERATOR, failed)

    page = client.get("/admin/audit", headers=ENGLISH)

    for task_id in (failed, made.id):
        assert f'href="/tasks/{task_id}"' in page.text


def test_trail_tells_what_came_of_it(client, database):
    """Done, refused, broken, or cut off in the middle."""
    with recorded(OPERATOR, "queue.clear") as outcome:
        outcome["tasks"] = 3
    with pytest.raises(QueueUnavailable), recorded(OPERATOR, "queue.clear"):
        raise QueueUnavailable("away")
    with (
        pytest.raises(PyMongoError),
        recorded(OPERATOR, "users.role", "user_1", role="admin"),
    ):
        raise PyMongoError("away")
    begun = AuditEntry(by="root", action="storage.move")
    AuditEntry.collection().insert_one(begun.to_mongo())  # and its process died

    words = text_of(client.get("/admin/audit", headers=ENGLISH))

    assert "root Cleared the queue Tasks 3" in words
    assert "root Cleared the queue Failed: queue_unavailable" in words
    assert "Changed a role user_1 Role Admin Failed: internal" in words
    assert "Did not finish" in words


def test_trail_is_written_before(database):
    """Whoever dies on the way has left a trace."""
    with recorded(OPERATOR, "queue.clear"):
        entry = AuditEntry.find_one({})
        assert entry is not None and entry.is_unfinished

    entry = AuditEntry.find_one({})
    assert entry is not None and not entry.is_unfinished


def test_trail_goes_back_to_the_beginning(client, database):
    """Page after page, newest first."""
    for number in range(audit.PAGE + 3):
        with recorded(OPERATOR, "users.quota", f"user_{number:03d}"):
            pass

    first = audit.page(OPERATOR)
    second = audit.page(OPERATOR, first.next_cursor)

    targets = [entry.target for entry in first.rows + second.rows]
    assert set(targets) == {f"user_{n:03d}" for n in range(audit.PAGE + 3)}
    assert (len(targets), second.next_cursor) == (audit.PAGE + 3, None)
    with pytest.raises(AdminsOnly):
        audit.page(Principal("ada"))


def test_every_action_has_words():
    """Wherever one is recorded in the source, the page can say it."""
    sources = Path(jimeng.__file__).parent.glob("**/*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    found = set(re.findall(r'recorded\(\s*principal,\s*"([a-z_.]+)"', text))
    core = r'(?:recorded_on_behalf\(\s*principal, [\w.]+|audited\(\w+), "([a-z_.]+)"'
    found |= set(re.findall(core, text))
    found |= {clear_queue.CLEAR, failures.DROP, failures.actions.RETRY}

    assert {f"act.{action}" for action in found} - set(MESSAGES) == set()
    assert len(found) > 20


def test_whole_trail_is_a_spreadsheet(client, database, monkeypatch):
    """Every entry once, over all its parts, with ids, address, and no formula."""
    monkeypatch.setattr(audit, "BATCH", 3)
    for number in range(10):
        AuditEntry(
            by="=evil()",
            action="queue.clear",
            address="192.0.2.7",
            target=f"t{number}",
            details={"word": "清空"},
            outcome={"tasks": number},
        ).save()

    answer = client.get("/admin/audit.csv")

    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert sorted(row["target"] for row in found) == [f"t{n}" for n in range(10)]
    assert {row["by"] for row in found} == {"'=evil()"}
    assert {row["address"] for row in found} == {"192.0.2.7"}
    assert all(json.loads(row["details"]) == {"word": "清空"} for row in found)
    assert [row["at"] for row in found] == sorted(
        (row["at"] for row in found), reverse=True
    )


def test_whole_trail_is_the_operators_alone(database):
    """Said before anything is read."""
    with pytest.raises(AdminsOnly):
        audit.pages(Principal("ada"))
