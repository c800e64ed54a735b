"""The log: one line an event, with its ids, without secrets."""

import json
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jimeng import tasks
from jimeng.config import Config, logs
from jimeng.http.request_kinds import POLL
from tests.each import for_each
from tests.rest import API, CAT, CREATE, create

ROOT = Path(__file__).parents[2]
LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
FORMATTERS = [logs.TextFormatter(), logs.JsonFormatter()]
SECRET = "hidden-secret"


def record(message: str, *values: object, exc_info=None) -> logging.LogRecord:
    return logging.LogRecord(
        "jimeng.test", logging.INFO, __file__, 1, message, values, exc_info
    )


@pytest.fixture
def written(app):
    """What the application logs, as the operator sees it, at the usual level."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda each: lines.append(FORMATTERS[0].format(each))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture(autouse=True)
def unbound():
    logs.clear()
    yield
    logs.clear()


@pytest.fixture
def kept_handlers():
    """`setup` replaces the handlers of the process: put them back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@for_each("formatter", FORMATTERS)
@for_each("character", LINE_BREAKS)
def test_value_cannot_begin_a_line(formatter, character):
    """Whatever a client sends stays inside the line of its event."""
    with logs.bound(user=f"a{character}b"):
        text = formatter.format(record("refused %s", f"x{character}error forged"))

    assert len(text.splitlines()) == 1


def test_traceback_cannot_pass_for_an_event():
    """The lines of a traceback, and of the text in it, are indented."""
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z error jimeng forged")
    except ValueError:
        text = FORMATTERS[0].format(record("failed", exc_info=sys.exc_info()))

    _, *rest = text.splitlines()
    assert rest and all(line.startswith("    ") for line in rest)


def test_line_has_time_level_and_ids():
    """What is bound inside is forgotten outside, also after an error."""
    with pytest.raises(ValueError), logs.bound(task="t-0"):
        raise ValueError
    with logs.bound(request="r-1", user="u-1"), logs.bound(task="t-1"):
        text = FORMATTERS[0].format(record("task created n=%d", 2))

    time, level, rest = text.split(maxsplit=2)
    assert time.endswith("Z") and level == "info"
    assert rest == "jimeng.test task created n=2 request=r-1 user=u-1 task=t-1"
    assert FORMATTERS[0].format(record("x")).endswith("jimeng.test x")


def test_json_line_is_an_object():
    with logs.bound(request="r-1", user=None):
        try:
            raise ValueError("猫")
        except ValueError:
            text = FORMATTERS[1].format(record("a %s", "b", exc_info=sys.exc_info()))

    found = json.loads(text)
    assert (found["level"], found["logger"]) == ("info", "jimeng.test")
    assert (found["message"], found["request"]) == ("a b", "r-1")
    assert "user" not in found
    assert found["traceback"].endswith("ValueError: 猫")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_setup_writes_to_standard_error(kept_handlers, capsys, kind):
    for _ in range(2):
        logs.setup(Config(LOG_FORMAT=kind, LOG_LEVEL="warning"))

    logging.getLogger("jimeng.test").warning("seen")
    logging.getLogger("jimeng.test").info("not seen")

    (line,) = capsys.readouterr().err.splitlines()
    assert "seen" in line
    assert line.startswith("{") is (kind == "json")


def test_request_can_be_found_by_its_id(client, written):
    """The id that the answer carries stands on all its lines, and on no others; the
    access log names the door, so that one can be looked at alone."""
    headers = {"X-Request-ID": "req-42"}
    answer = client.post(CREATE, json=CAT, headers=headers)

    task_id = answer.json["data"]["task_id"]
    assert written and all("request=req-42" in line for line in written)
    (created,) = [line for line in written if "task created" in line]
    assert f"task={task_id}" in created and "user=user_123" in created
    (access,) = [line for line in written if "jimeng.access" in line]
    assert f"POST {CREATE} 202" in access
    written.clear()
    client.get(f"{API}/models", headers={"X-Request-ID": "second"})
    assert all("req-42" not in line and "second" in line for line in written)
    for path, door in (
        *(("/v1/models", "openai"), ("/", "pages"), (CREATE, "api")),
        ("/api/v3/contents/generations/tasks", "ark"),
    ):
        client.get(path)
        assert f"GET {path} " in written[-1] and f" door={door}" in written[-1]


def test_prompt_and_secrets_are_not_logged(client, written, work_off, monkeypatch):
    headers = {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": SECRET}
    client.post(CREATE, json={**CAT, "prompt": SECRET}, headers=headers)
    client.post(CREATE, json={**CAT, "n": SECRET}, headers=headers)
    client.post(CREATE, data=SECRET, content_type="application/json")
    client.get(f"{API}/users?email={SECRET}@example.com")
    client.post(f"{API}/users", json={"email": f"{SECRET}@example.com", "name": "a"})
    work_off()

    assert len(written) > 5
    assert not [line for line in written if SECRET in line]


def test_bug_is_logged_with_traceback_and_id(client, written, monkeypatch):
    def fail(*args):
        raise RuntimeError("out of order")

    monkeypatch.setattr(tasks, "find", fail)

    client.get(f"{API}/tasks/x", headers={"X-Request-ID": "req-42"})

    (failed,) = [line for line in written if " failed " in line]
    assert "request=req-42" in failed.splitlines()[0]
    assert "RuntimeError: out of order" in failed


def test_steps_of_a_task_carry_its_ids(drawn, written):
    """From the asking to the picture, each line of a task names it."""
    task_id = drawn()

    steps = [line for line in written if f"task={task_id}" in line]
    assert len(steps) >= 3
    assert all("user=user_123" in line for line in steps)


def test_polls_are_not_in_the_access_log(app, client, written):
    """Only the question that began it, and what was answered with an error."""
    task_id = create(client)
    for path in (
        *(f"{API}/ai/image/result/{task_id}", f"{API}/tasks/{task_id}"),
        *("/health", "/health/ready", "/feed/changes"),
    ):
        client.get(path)
    client.get(f"{API}/tasks/of-nobody")

    told = re.findall(r"jimeng.access ((?:GET|POST) \S+ \d+)", "\n".join(written))
    assert told == [
        f"POST {CREATE} 202",
        f"GET {API}/tasks/of-nobody 404",
    ]


def test_what_pages_ask_again_and_again_is_a_poll(app):
    """Each that a template asks so is marked as one."""
    asked = set()
    for path in (ROOT / "templates").rglob("*.html"):
        for tag in re.findall(r"<[^>]*?hx-trigger=\"every [^>]*>", path.read_text()):
            asked |= set(re.findall(r"hx-get=\"{{ url_for\('([a-z_.]+)'", tag))

    assert len(asked) >= 5
    kinds = {each: app.view_functions[each].request_kind for each in asked}
    assert set(kinds.values()) == {POLL}, kinds


@pytest.mark.parametrize("formatter", FORMATTERS, ids=["text", "json"])
@pytest.mark.parametrize("path", [f"/invitations/{SECRET}", f"/i/{SECRET}.png"])
def test_path_that_gives_access_is_not_shown(formatter, path):
    """Whoever writes the line: Gunicorn tells of requests in lines of its own."""
    try:
        raise ValueError(f"no HTTP: 'GET {path} HTTP/9'")
    except ValueError:
        text = formatter.format(record("GET %s", path, exc_info=sys.exc_info()))

    assert SECRET not in text
    assert text.count(path.partition(SECRET)[0]) == 2


def test_what_gives_access_elsewhere_is_not_shown(config, kept_handlers, capsys):
    """A key that was typed into a path; a service that repeats our own to it."""
    logs.setup(replace(config, VOLCENGINE_ACCESS_KEY="AKLTsecret0123"))

    log = logging.getLogger("jimeng.test")
    log.warning("GET /tasks/jm_Ab-c_0123456789 404")
    log.warning("the accesskey [akltSECRET0123] is invalid")

    said = capsys.readouterr().err
    assert "jm_…" in said and "0123456789" not in said
    assert "[***]" in said and "secret0123" not in said.lower()
