"""What another release has written about people and the house: pages go on."""

import pytest

from jimeng.documents import (
    AuditEntry,
    Image,
    Switch,
    Tally,
    Usage,
    User,
    Worker,
    utcnow,
)
from jimeng.documents.base import Stored
from tests.test_core import create
from tests.test_releases import OF_LATER, PAGES, fields_of, wrong

PRESENT = {
    User: {"email": "ada@b.cd", "email_key": "ada@b.cd", "name": "Ada"},
    AuditEntry: {"by": "root", "action": "queue.clear", "outcome": {"n": 1}},
    Switch: {"id": "sending", "paused_at": utcnow(), "by": "root"},
    Worker: {"id": "w", "started_at": utcnow(), "seen_at": utcnow()},
    Tally: {"id": "2026-01-31", "done": 1, "itemized": True},
    Usage: {
        **{"id": "u", "day": "2026-01-31", "user_id": "user_123"},
        **{"lane": "a:b", "state": "done", "charged": "yes", "pictures": 2},
    },
}
CASES = [(kind, name) for kind in PRESENT for name in fields_of(kind)]
UNKNOWN = [
    (User, {"role": "auditor", "language": "fr", "theme": "sepia"}),
    (User, {"defaults": {"later": 1, "n": {"most": 2}, "model": 7}}),
    (AuditEntry, {"action": "moon.land", "outcome": {"later": OF_LATER}}),
    (AuditEntry, {"details": {"later": OF_LATER, "role": 7}}),
    (Switch, {"id": "publishing"}),
    (Usage, {"state": "blurred", "charged": "partly", "code": "of_later"}),
]


def put(kind: type[Stored], **changes: object) -> None:
    row = kind.row(**{**PRESENT[kind], **changes})
    kind.collection().insert_one(row)


def failing(client) -> dict[str, int]:
    answers = {path: client.get(path).status_code for path in PAGES}
    return {path: status for path, status in answers.items() if status != 200}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_unreadable_field_breaks_no_page(client, kind, name):
    """One document with a value of another kind, and all pages are there."""
    put(kind, **{name: wrong(kind, name)})

    assert failing(client) == {}


@pytest.mark.parametrize(("kind", "changes"), UNKNOWN)
def test_unknown_value_breaks_no_page(client, kind, changes):
    """Roles, actions, switches and ways of ending that a later release has."""
    put(kind, **changes)

    assert failing(client) == {}


@pytest.mark.parametrize("kind", PRESENT)
def test_added_field_breaks_no_page(client, kind):
    """The most frequent change that a release makes."""
    put(kind)
    kind.collection().update_many({}, {"$set": {"added": OF_LATER}})

    assert failing(client) == {}


@pytest.mark.parametrize("name", fields_of(Image))
def test_unreadable_picture_breaks_no_page(client, work_off, name):
    """Among the others in the gallery, and on its own page."""
    create(client, n=2)
    work_off()
    (one, *_) = Image.collection().find({})
    changed = {"$set": {name: wrong(Image, name)}}
    Image.collection().update_one({"_id": one["_id"]}, changed)

    assert failing(client) == {}
    assert client.get(f"/pictures/{one['_id']}").status_code in (200, 404)
    assert client.get(f"/i/{one['key']}.png").status_code in (200, 404, 410)
