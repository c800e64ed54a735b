"""``flask webhooks`` does what the API does."""

from collections.abc import Callable

import pytest

from jimeng import documents, jobs
from tests.rest import API, data_of
from tests.webhooks.conftest import USER


@pytest.fixture
def flask(app, signing, registry, monkeypatch) -> Callable[..., str]:
    """Runs a command; returns what it prints."""
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)

    def run(*args: str, code: int = 0) -> str:
        try:
            ran = app.test_cli_runner().invoke(args=["webhooks", *args])
        finally:  # a command connects anew
            documents.connect(signing, timeout=documents.WORKER_TIMEOUT)
            jobs.configure(signing, registry)
        assert ran.exit_code == code, ran.output
        return ran.output

    return run


def test_commands_do_what_the_api_does(client, flask, receiver, deliver):
    """From the first endpoint to its deletion."""
    webhook_id, secret = flask("create", USER, receiver.url).split()
    flask("test", webhook_id)
    receiver.answer(500)
    deliver()
    receiver.received[0].verified(secret)

    assert "The receiver answered 500, not 2xx" in flask("log", webhook_id)
    assert flask("replay", webhook_id, "--since", "2020-01-01") == "sent again: 1\n"
    deliver()
    assert "Delivered (204)" in flask("log", webhook_id)
    assert "disabled (owner)" in flask("disable", webhook_id)
    assert "is disabled" in flask("test", webhook_id, code=1)
    assert "enabled" in flask("enable", webhook_id)
    assert flask("rotate", webhook_id).strip() != secret
    assert receiver.url in flask("list", USER)
    flask("delete", webhook_id)
    answer = client.get(f"{API}/webhooks", query_string={"user_id": USER})
    assert data_of(answer) == []


def test_mistakes_are_said(flask):
    """In words, and with those that there are."""
    assert "No such webhook" in flask("test", "webhook_x", code=1)
    assert "https only" in flask("create", USER, "ftp://x", code=1)
    wrong = flask("create", USER, "https://example.com", "--event", "x", code=2)
    assert "task.completed" in wrong
