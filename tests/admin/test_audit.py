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
from tests.commands import counted
from tests.conftest import come_due
from tests.hung import hang
from tests.page import send
from tests.rest import new_user

# What each form takes, and the action that it leaves behind.
FORMS = {
    "admin.switch": ({"paused": "1"}, "intake.pause"),
    "admin.clear": ({"word": "clear"}, "queue.clear"),
    "admin.retry_failures": ({}, "failures.retry_all"),
    "admin.drop_failures": ({}, "failures.drop_all"),
    "admin.retry_failure": ({}, "failures.retry"),
    "admin.drop_failure": ({}, "failures.drop"),
    "admin.invite": ({"name": "B", "email": "b@example.com"}, "users.invite"),
    "admin.invite_again": ({}, "users.invite_again"),
    "admin.set_email": ({"email": "e@x.org"}, "users.email"),
    "admin.set_role": ({"role": "admin"}, "users.role"),
    "admin.set_quota": ({"quota": "5"}, "users.quota"),
    "admin.set_budget": ({"daily": "5"}, "users.update"),
    "admin.disable": ({}, "users.disable"),
    "admin.enable": ({}, "users.enable"),
    "admin.end_sessions": ({}, "users.end_sessions"),
    "admin.reset_second_factor": ({}, "users.reset_second_factor"),
    "admin.add_price": ({"model": "doubao-seedream-4.0", "yuan": "0.2"}, "prices.add"),
    "admin.remove_price": ({}, "prices.remove"),
    "admin.decide_cost": ({"charged": "yes"}, "costs.decide"),
    "admin.end_share": ({}, "shares.revoke"),
    "admin.delete_user": ({"email": "ada@example.com"}, "users.delete"),
}


@pytest.fixture
def places(client, provider, work_off) -> dict[str, str]:
    """Something of each kind that can be acted upon, by the names in the routes."""
    (picture,) = hang("a", user_id="ada")
    shares.share_or_update(Principal("ada"), picture)
    tomorrow = utcnow() + timedelta(days=1)
    price = PriceRow(lane="x", steps=[{"micros": 1}], valid_from=tomorrow, by="a")
    price.add()
    undecided = fail(client, provider, work_off, unknown())
    come_due(state="unknown")
    work_off()
    return {
        "name": "intake",
        "share_id": picture,
        "price_id": price.id,
        "picture_id": f"{undecided}_0",
        "task_id": fail(client, provider, work_off),
        "user_id": new_user(client, "ada@example.com", "Ada")["id"],
    }


@pytest.mark.parametrize("endpoint", FORMS)
def test_every_form_leaves_one_entry(app, client, config, places, endpoint):
    """With who did it, to what, and what came of it; the page has words for each. An
    action on a user reads nothing of the user's pictures, which are many."""
    fields, action = FORMS[endpoint]
    (rule,) = app.url_map.iter_rules(endpoint)
    route = {name: places[name] for name in rule.arguments}
    with app.test_request_context():
        path = app.url_for(endpoint, **route)

    with counted(config) as commands:
        answer = send(client, path, **fields)

    assert answer.status_code in {200, 303}, answer.text
    counts = {each.get("aggregate", each.get("count")) for each in commands}
    assert not (action.startswith("users.") and counts & {"generations", "images"})
    (entry,) = AuditEntry.collection().find()
    target = next((value for name, value in route.items() if name != "name"), None)
    assert (entry["action"], entry.get("target")) == (action, target)
    assert entry["outcome"] and "error" not in entry["outcome"]
    assert action != "users.role" or entry["details"] == fields
    told = {*entry.get("details", {}), *entry["outcome"]} - {"ok"}
    assert {f"fact.{name}" for name in told} <= set(MESSAGES)
    assert MESSAGES[f"act.{action}"][1] in text_of(
        client.get("/admin/audit", headers=ENGLISH)
    )


def test_no_link_changes_anything(app, client, places):
    """Looking leaves no entry: whatever acts is a form, and has to say in the list
    above what it leaves behind."""
    own = [r for r in app.url_map.iter_rules() if r.endpoint.startswith("admin.")]
    assert {rule.endpoint for rule in own if "POST" in rule.methods} == set(FORMS)
    pages = [rule.rule for rule in own if "GET" in rule.methods]
    for page in pages:
        path = page.replace("<user_id>", places["user_id"])
        assert client.get(path).status_code < 400, path

    assert len(pages) > 8
    assert actions() == []


def test_people_are_told_by_name(client, provider, work_off):
    """Who did it, and to whom, with a way there; who is gone stays as an id. What was
    done with a failure leads to its task, and to the one that was made of it."""
    root = new_user(client, "root@example.com", "Root")["id"]
    bob = new_user(client, "bob@example.com", "Bob")["id"]
    admin = Principal(root, is_operator=True)

    users.set_quota(admin, bob, 7)
    invited, _ = users.invite(admin, email="c@example.com", name="C", role="user")
    users.delete(admin, invited.id, email="c@example.com")
    failed = fail(client, provider, work_off)
    made = failures.retry(OPERATOR, failed)

    page = client.get("/admin/audit", headers=ENGLISH)
    words = text_of(page)
    assert "Root Changed a daily limit Bob Per day 7 Done" in words
    assert f"Root Invited a user Role User User {invited.id}" in words
    assert f"Root Deleted a user {invited.id} Done" in words
    assert f'href="/admin/users/{bob}"' in page.text
    assert f"/admin/users/{invited.id}" not in page.text
    for task_id in (failed, made.id):
        assert f'href="/tasks/{task_id}"' in page.text


def test_trail_tells_what_came_of_it(client, database):
    """Done, refused, broken, or cut off in the middle."""
    with recorded(OPERATOR, "queue.clear") as outcome:
        entry = AuditEntry.find_one({})
        assert entry is not None and entry.is_unfinished, "written before"
        outcome["tasks"] = 3
    entry = AuditEntry.find_one({})
    assert entry is not None and not entry.is_unfinished
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
    """Every entry once, over all its parts, with ids, address, and no formula; the page
    goes back to the beginning as well."""
    monkeypatch.setattr(audit, "BATCH", 3)
    count = audit.PAGE + 3
    for number in range(count):
        AuditEntry(
            by="=evil()",
            action="queue.clear",
            address="192.0.2.7",
            target=f"t{number}",
            details={"word": "清空"},
            outcome={"tasks": number},
        ).save()

    first = audit.page(OPERATOR)
    second = audit.page(OPERATOR, first.next_cursor)
    targets = [entry.target for entry in first.rows + second.rows]
    assert (len(targets), second.next_cursor) == (count, None)
    assert set(targets) == {f"t{n}" for n in range(count)}
    for denied in (audit.page, audit.pages):  # before anything is read
        with pytest.raises(AdminsOnly):
            denied(Principal("ada"))

    answer = client.get("/admin/audit.csv")

    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert sorted(row["target"] for row in found) == sorted(targets)
    assert {row["by"] for row in found} == {"'=evil()"}
    assert {row["address"] for row in found} == {"192.0.2.7"}
    assert all(json.loads(row["details"]) == {"word": "清空"} for row in found)
    assert [row["at"] for row in found] == sorted(
        (row["at"] for row in found), reverse=True
    )
