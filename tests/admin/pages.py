"""What the tests of the operator's pages have in common."""

import html
import re

from werkzeug.test import TestResponse

from jimeng.documents import AuditEntry, Task
from jimeng.documents.principal import Principal
from tests.page import send
from tests.rest import create
from tests.test_core import refusal

OPERATOR = Principal("root", is_operator=True)
ENGLISH = {"Accept-Language": "en"}


def fail(client, provider, work_off, *refusals, **fields) -> str:
    """Ask for pictures that fail so, one each, and return the task's id."""
    provider.submits = list(refusals) or [refusal()]
    task_id = create(client, n=max(len(refusals), 1), **fields)
    work_off()
    return task_id


def unknown(**values):
    """A submission of which nobody knows whether it was accepted."""
    return refusal("submit_unknown", maybe_accepted=True, charged="unknown", **values)


def shown(page: TestResponse) -> list[str]:
    """The failures that a page lists, from the top: ids of their first pictures."""
    assert page.status_code == 200, page.text
    return re.findall(r'<li class="op-failure" id="failure-([^"]+)"', page.text)


def text_of(page: TestResponse) -> str:
    """What a reader sees, in one line."""
    bare = re.sub(r"<script.*?</script>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def done(client, path: str, **fields: str) -> TestResponse:
    """Send a form that must succeed, and look at the page that it leads to."""
    answer = send(client, path, **fields)
    assert answer.status_code == 303, answer.text
    return client.get(answer.location, headers=ENGLISH)


def runs_again(task_id: str) -> list[str]:
    """The tasks that were made of one that had failed."""
    rows = Task.collection().find({"retried_from": task_id})
    return [row["_id"] for row in rows]


def actions() -> list[tuple[str, str | None]]:
    """What the audit trail tells, in the order of writing: action and target."""
    rows = AuditEntry.collection().find().sort("$natural", 1)  # ids are random
    return [(row["action"], row.get("target")) for row in rows]
