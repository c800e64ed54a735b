"""What another release has written about people and the house: pages go on."""

import pytest

from jimeng.documents import (
    AuditEntry,
    Hour,
    Image,
    Switch,
    Tally,
    Usage,
    UsageHour,
    User,
    Worker,
    utcnow,
)
from jimeng.documents.base import Stored
from tests.releases.other_release import OF_LATER, failing, fields_of, wrong
from tests.test_core import create

WAY = {"lane": "a:b", "state": "done", "charged": "yes", "code": "", "pictures": 2}
PRESENT = {
    User: {"email": "ada@b.cd", "email_key": "ada@b.cd", "name": "Ada"},
    AuditEntry: {"by": "root", "action": "queue.clear", "outcome": {"n": 1}},
    Switch: {"id": "sending", "paused_at": utcnow(), "by": "root"},
    Worker: {"id": "w", "started_at": utcnow(), "seen_at": utcnow()},
    Tally: {"id": "2026-01-31", "done": 1},
    Hour: {
        **{"id": f"{utcnow():%Y-%m-%dT00}", "since": utcnow(), "done": 1},
        **{"whole": True, "changes": 1, "changed_at": utcnow()},
    },
    UsageHour: {
        **{"id": f"{utcnow():%Y-%m-%dT00}|user_123", "user_id": "user_123"},
        **{"hour": f"{utcnow():%Y-%m-%dT00}", "ways": [WAY]},
    },
    Usage: {
        **{"id": "u", "day": "2026-01-31", "user_id": "user_123"},
        **{"lane": "a:b", "state": "done", "charged": "yes", "pictures": 2},
    },
}
UNKNOWN = [
    (User, {"role": "auditor", "language": "fr", "theme": "sepia"}),
    (User, {"defaults": {"later": 1, "n": {"most": 2}, "model": 7}}),
    (AuditEntry, {"action": "moon.land", "outcome": {"later": OF_LATER}}),
    (AuditEntry, {"details": {"later": OF_LATER, "role": 7}}),
    (Switch, {"id": "publishing"}),
    (UsageHour, {"ways": [{**WAY, "state": "blurred", "pictures": OF_LATER}]}),
    (UsageHour, {"ways": [OF_LATER, {"lane": 1}]}),
    (Usage, {"state": "blurred", "charged": "partly", "code": "of_later"}),
]


def put(kind: type[Stored], **changes: object) -> None:
    row = kind.row(**{**PRESENT[kind], **changes})
    kind.collection().insert_one(row)


# What exists only once, or only under known names: a field at a time.
ALONE = (Switch, Tally, Hour)
CASES = [(kind, [name]) for kind in ALONE for name in fields_of(kind)]
CASES += [(kind, fields_of(kind)) for kind in PRESENT if kind not in ALONE]


@pytest.mark.parametrize(("kind", "names"), CASES)
def test_unreadable_fields_break_no_page(client, kind, names):
    """Each in a document of its own, a value of another kind: all pages are there."""
    for number, name in enumerate(names):
        unique = {"email": f"{number}@b.cd", "email_key": f"{number}@b.cd"}
        own = unique if kind is User else {}
        own |= (
            {"id": f"{number}"} if kind not in ALONE and "id" in PRESENT[kind] else {}
        )
        put(kind, **{**own, name: wrong(kind, name)})

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


def test_unreadable_pictures_break_no_page(client, work_off):
    """Each in another field, among others in the gallery, and on its own page."""
    names = fields_of(Image)
    for _ in range(len(names) // 4 + 1):
        create(client, n=4)
    work_off()
    pictures = list(Image.collection().find({}))
    for name, picture in zip(names, pictures, strict=False):
        changed = {"$set": {name: wrong(Image, name)}}
        Image.collection().update_one({"_id": picture["_id"]}, changed)

    assert failing(client) == {}
    pages = {f"/pictures/{each['_id']}": (200, 404) for each in pictures}
    pages |= {f"/i/{each['key']}.png": (200, 404, 410) for each in pictures}
    answers = {path: client.get(path).status_code for path in pages}
    assert {p: status for p, status in answers.items() if status not in pages[p]} == {}
