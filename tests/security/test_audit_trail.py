"""Acting on what is another's without a trace: through every door and command."""

import getpass
import socket
from collections.abc import Iterator

import click
import pytest

from jimeng import accounts
from jimeng.cli import databases
from jimeng.documents import AuditEntry, Image, Task
from jimeng.webhooks import endpoints
from tests.access.conftest import OPERATOR
from tests.access.walk import filled
from tests.admin.pages import actions
from tests.page import send
from tests.rest import API, CREATE, USERS, data_of

FOR = {"prompt": "a word nobody else uses"}
FROM = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}


@pytest.fixture
def hers(ada, work_off) -> dict[str, str]:
    """A task of Ada's that is finished, one that waits, one that was cancelled."""
    made = [
        data_of(ada.api("POST", CREATE, json={"prompt": "x"}), 202)["task_id"]
        for _ in range(2)
    ]
    ada.api("POST", f"{API}/tasks/{made[1]}/cancel")
    work_off()
    waiting = data_of(ada.api("POST", CREATE, json={"prompt": "x"}), 202)["task_id"]
    key, _ = accounts.create_key(OPERATOR, ada.id, name="k")
    AuditEntry.collection().delete_many({})
    return {
        "done": made[0],
        "ended": made[1],
        "waiting": waiting,
        "picture": f"{made[0]}_0",
        "user": ada.id,
        "key": key.id,
    }


REST = [
    ("POST", "/tasks/{waiting}/cancel", {}, "tasks.cancel", "waiting"),
    ("POST", "/tasks/cancel", {"ids": ["{waiting}"]}, "tasks.cancel", "waiting"),
    ("POST", "/tasks/{ended}/retry", {}, "tasks.retry", "ended"),
    ("POST", "/tasks/retry", {"ids": ["{ended}"]}, "tasks.retry", "ended"),
    ("DELETE", "/ai/image/task/{done}", None, "tasks.delete", "done"),
    ("PUT", "/users/{user}", {"name": "Eve"}, "users.update", "user"),
    ("PUT", "/users/{user}", {"email": "e@x.org"}, "users.update", "user"),
    ("DELETE", "/users/{user}", None, "users.delete", "user"),
    ("POST", "/users/{user}/keys", {"name": "x"}, "keys.create", "user"),
    ("DELETE", "/users/{user}/keys/{key}", None, "keys.revoke", "user"),
]
PAGES = [
    ("/tasks/{waiting}/cancel", {}, "tasks.cancel", "waiting"),
    ("/tasks/{ended}/retry", {}, "tasks.retry", "ended"),
    ("/tasks/{done}/delete", {}, "tasks.trash", "done"),
    ("/pictures/favourite", {"id": "{picture}", "on": "1"}, "pictures.favourite", ""),
    ("/pictures/trash", {"id": "{picture}"}, "pictures.trash", ""),
    ("/pictures/{picture}/favourite", {"on": "1"}, "pictures.favourite", ""),
    ("/pictures/{picture}/link", {}, "pictures.link", ""),
    ("/pictures/{picture}/delete", {}, "pictures.trash", ""),
]


@pytest.mark.parametrize(("method", "path", "body", "action", "target"), REST)
def test_admin_by_rest_leaves_an_entry(admin, hers, method, path, body, action, target):
    """One, with who it was and from where, and what came of it."""
    where = API + path.format(**hers)

    answer = admin.api(method, where, json=filled(body, hers), **FROM)

    assert answer.status_code < 300, answer.text
    (entry,) = AuditEntry.collection().find()
    assert (entry["action"], entry["target"]) == (action, hers[target])
    assert (entry["by"], entry["address"]) == (admin.id, "198.51.100.7")
    assert entry["outcome"] and "error" not in entry["outcome"]


def test_task_for_another_leaves_an_entry(admin, ada, hers):
    """It is her quota and her gallery; with its id, or with why there is none."""
    made = data_of(admin.api("POST", CREATE, json=FOR | {"user_id": ada.id}), 202)
    admin.api("POST", CREATE, json=FOR | {"user_id": ada.id, "model": "none"})
    admin.api("POST", CREATE, json=FOR)

    rows = list(AuditEntry.collection().find().sort("$natural", 1))
    assert actions() == [("tasks.create", ada.id)] * 2
    assert rows[0]["outcome"] == {"task": made["task_id"]}
    assert "error" in rows[1]["outcome"]
    assert FOR["prompt"] not in str(rows)


@pytest.mark.parametrize(("path", "form", "action", "target"), PAGES)
def test_admin_on_pages_leaves_an_entry(admin, hers, path, form, action, target):
    """Those of everybody are admins' too."""
    admin.sign_in()

    answer = send(admin.client, path.format(**hers), **filled(form, hers))

    assert answer.status_code < 400, (answer.status_code, answer.text)
    assert actions() == [(action, hers[target or "picture"])]


def test_trash_of_others_leaves_entries(admin, hers):
    admin.sign_in()
    for path in ("trash", "restore", "trash", "purge"):
        send(admin.client, f"/pictures/{path}", id=hers["picture"])

    assert [action for action, _ in actions()] == [
        *("pictures.trash", "pictures.restore", "pictures.trash", "pictures.purge")
    ]
    page = admin.client.get("/admin/audit").text
    assert f'href="/pictures/{hers["picture"]}"' in page and "127.0.0.1" in page


def test_own_things_leave_none(ada, bob, hers):
    """One's own things are nobody's business; who is refused does nothing."""
    bob.api("POST", f"{API}/tasks/{hers['waiting']}/cancel")
    bob.api("DELETE", f"{USERS}/{hers['user']}")
    assert Task.find_one({"_id": hers["waiting"]}).status == "pending"
    assert Image.find_one({"_id": hers["picture"]}).trashed_at is None
    ada.sign_in()
    send(ada.client, f"/pictures/{hers['picture']}/favourite", on="1")
    send(ada.client, f"/pictures/{hers['picture']}/link")
    ada.api("POST", f"{API}/tasks/{hers['waiting']}/cancel")
    ada.api("DELETE", f"{API}/ai/image/task/{hers['done']}")
    ada.api("POST", f"{USERS}/{ada.id}/keys", json={"name": "x"})
    ada.api("PUT", f"{USERS}/{ada.id}", json={"name": "A"})
    ada.api("DELETE", f"{USERS}/{ada.id}")

    assert actions() == []


READ = {
    *("doctor", "provider check"),
    *("queue status", "retention", "storage show", "version"),
    *("webhooks list", "webhooks log", "webhooks failing"),
    *("prices list", "costs unknown"),
}
BESIDE = {"simulator", "indexes"}  # a server of its own; what workers do anyway
# Those with tests of their own: tests/backup, tests/storage, tests/test_index_guards.
ELSEWHERE = {
    **{"restore": "backup.restore", "users reset-second-factor": "users.reset"},
    "storage compact": "storage.compact",
    "queue reset": "lane.reset",  # needs a provider, as do:
    **{"prices add": "prices.add", "prices remove": "prices.remove"},
    **{"costs decide": "costs.decide", "costs rebuild": "costs.rebuild"},
}
ACTS = {
    "backup": (["{tmp}/b.tar"], "backup.write"),
    "migrate": ([], "schema.migrate"),
    "queue clear": (["--force"], "queue.clear"),
    "queue pause": (["sending"], "sending.pause"),
    "queue resume": (["sending"], "sending.resume"),
    "storage move": ([], "storage.move"),
    "users create-admin": (["a@example.com"], "users.create"),
    "users create-key": (["ada@example.com"], "keys.create"),
    "users set-budget": (["ada@example.com", "--daily", "20"], "users.update"),
    "users invite": (["b@example.com"], "users.create"),
    "webhooks create": (["ada", "https://b.example/hook"], "webhooks.create"),
    "webhooks delete": (["{webhook}"], "webhooks.delete"),
    "webhooks disable": (["{webhook}"], "webhooks.change"),
    "webhooks enable": (["{webhook}"], "webhooks.change"),
    "webhooks replay": (["{webhook}", "--since", "2026-01-01"], "webhooks.replay"),
    "webhooks rotate": (["{webhook}"], "webhooks.rotate"),
    "webhooks test": (["{webhook}"], "webhooks.test"),
}


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    """All of ours, as they are typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        elif command.callback.__module__.startswith(("jimeng.", "flask.cli")):
            yield before + name


def test_each_command_is_known(secured):
    """Of a new one somebody has to say which it is."""
    usual = {"run", "shell", "routes", "openapi print", "openapi write"}
    found = set(commands(secured.cli)) - usual

    assert found == READ | BESIDE | set(ELSEWHERE) | set(ACTS)


@pytest.fixture
def webhook(secured, ada) -> str:
    """The id of an endpoint of Ada's."""
    new = endpoints.NewWebhook("https://a.example/hook", [])
    return endpoints.create(databases.OPERATOR, new, "ada")[0].id


@pytest.mark.parametrize("words", ACTS)
def test_command_leaves_an_entry(secured, ada, webhook, tmp_path, words):
    given, action = ACTS[words]
    AuditEntry.collection().delete_many({})

    given = [each.format(tmp=tmp_path, webhook=webhook) for each in given]
    done = secured.test_cli_runner().invoke(args=[*words.split(), *given])

    assert done.exit_code == 0, done.output
    entry = AuditEntry.collection().find_one({"action": action})
    here = f"{getpass.getuser()}@{socket.gethostname()}"
    assert (entry["by"], entry["address"]) == ("operator", here)
    assert entry["outcome"]


def test_looking_leaves_none(secured, webhook):
    """A trail is read by people."""
    arguments = {"webhooks list": ["ada"], "webhooks log": [webhook]}
    AuditEntry.collection().delete_many({})

    for words in READ - {"doctor", "provider check"}:
        given = arguments.get(words, [])
        done = secured.test_cli_runner().invoke(args=[*words.split(), *given])
        assert words not in arguments or done.exit_code == 0, done.output

    assert AuditEntry.find_one({}) is None
