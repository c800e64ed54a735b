"""Every command that changes something leaves an entry; each is one or the other."""

from collections.abc import Iterator

import click
import pytest

from jimeng.accounts import webhooks
from jimeng.cli import databases
from jimeng.documents import AuditEntry

READ = {
    *("doctor", "provider check", "provider errors", "provider models"),
    *("queue status", "retention", "storage show", "version"),
    *("webhooks list", "webhooks log", "prices list", "costs unknown"),
}
BESIDE = {"simulator", "indexes"}  # a server of its own; what workers do anyway
# Those with tests of their own: tests/backup, tests/test_index_guards.
ELSEWHERE = {
    **{"restore": "backup.restore", "users reset-second-factor": "users.reset"},
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
    new = webhooks.NewWebhook("https://a.example/hook", [])
    return webhooks.create(databases.OPERATOR, new, "ada")[0].id


@pytest.mark.parametrize("words", ACTS)
def test_command_leaves_an_entry(secured, ada, webhook, tmp_path, words):
    """With who, from where, and what came of it."""
    given, action = ACTS[words]
    AuditEntry.collection().delete_many({})

    done = secured.test_cli_runner().invoke(
        args=[
            *words.split(),
            *(each.format(tmp=tmp_path, webhook=webhook) for each in given),
        ]
    )

    assert done.exit_code == 0, done.output
    entry = AuditEntry.collection().find_one({"action": action})
    assert (entry["by"], entry["address"]) == ("operator", databases.account_here())
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
