"""Two eras of one protocol: what is said, what is refused, and by which status."""

import json
import re
from pathlib import Path

from jimeng.mcp import errors, tools
from jimeng.mcp.messages import HANDSHAKE
from tests.each import for_each
from tests.mcp.conftest import LATEST, PREFIX

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
STRANGE = "2099-01-01"


def error(answer, status: int, code: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    assert answer.json["jsonrpc"] == "2.0"
    assert answer.json["error"]["code"] == code, answer.text
    return answer.json["error"]


@for_each("version", [*HANDSHAKE, STRANGE, LATEST, None, 7])
def test_handshake_takes_the_clients_version(older, version):
    """Each that was ever released; for any other the latest is offered, and the client
    decides. Some repeat it with each request."""
    said = older.result("initialize", {"protocolVersion": version})

    is_known = version in HANDSHAKE
    assert said["protocolVersion"] == (version if is_known else "2025-11-25")
    assert said["capabilities"] == {"tools": {}}
    assert said["serverInfo"]["name"] == "jimeng"
    headers = {"MCP-Protocol-Version": version} if is_known else {}
    assert older.ask("ping", **headers).json["result"] == {}


def test_later_clients_ask_what_there_is(newer, older):
    """One request in place of a handshake, and how long its answer holds."""
    said = newer.result("server/discover")

    assert said["resultType"] == "complete"
    assert said["supportedVersions"] == [LATEST, *reversed(HANDSHAKE)]
    assert said["_meta"][f"{PREFIX}serverInfo"]["name"] == "jimeng"
    assert (said["ttlMs"], said["cacheScope"]) == (60_000, "private")
    # Each result says that it is whole; the earlier era does not know the word.
    assert newer.call("list_models")["resultType"] == "complete"
    assert "resultType" not in older.call("list_models")
    assert newer.result("tools/list")["cacheScope"] == "private"
    assert "ttlMs" not in older.result("tools/list")


def test_tools_are_listed(agent):
    """With words, shapes, and what a host should know before it lets a model act."""
    listed = {tool["name"]: tool for tool in agent.result("tools/list")["tools"]}

    assert set(listed) == set(tools.TOOLS)
    for tool in listed.values():
        assert tool["description"] and tool["title"]
        assert tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object"
    hints = {name: tool["annotations"] for name, tool in listed.items()}
    looking = {name for name, hint in hints.items() if hint["readOnlyHint"]}
    lists = {"list_tasks", "list_models", "list_collections"}
    assert looking == {"get_task", "get_batch", *lists}
    again = {name for name, hint in hints.items() if hint["idempotentHint"]}
    assert again == {*looking, "cancel_task"}
    assert hints["generate_image"]["openWorldHint"]
    assert hints["edit_image"] == {**hints["generate_image"], "title": "Edit images"}
    assert not hints["generate_image"]["destructiveHint"]


@for_each("method", ["initialize", "ping", "tools/no", "resources/list"])
def test_method_that_is_none(newer, older, method):
    """Of HTTP's a 404 in the later era, a success in the earlier one."""
    error(newer.ask(method), 404, -32601)
    if method not in {"initialize", "ping"}:
        error(older.ask(method), 200, -32601)
    error(older.ask("server/discover"), 200, -32601)


@for_each(
    "params",
    [
        {"name": "no_such_tool", "arguments": {}},
        {"name": 7},
        {},
        {"name": "list_models", "arguments": [1]},
        {"name": "list_models", "arguments": "x"},
    ],
)
def test_call_that_is_none(newer, older, params):
    name = params.get("name")
    sent = {"Mcp-Name": name if isinstance(name, str) else None}
    error(older.ask("tools/call", params), 200, -32602)
    status, code = (400, -32602) if name != 7 else (400, -32020)
    error(newer.ask("tools/call", params, **sent), status, code)


@for_each(
    ("method", "params", "code"),
    [("tools/call", {"name": "half \ud800"}, -32602), ("half \ud800", {}, -32601)],
)
def test_name_that_is_no_text_is_spelt_out(client, method, params, code):
    """No answer can hold half of a character."""
    body = json.dumps({**PING, "method": method, "params": params})

    answer = client.post("/mcp", data=body, content_type="application/json")

    told = error(answer, 200, code)
    assert told["message"].endswith("half \\ud800")


@for_each(
    "headers",
    [
        *[{"MCP-Protocol-Version": version} for version in ("2025-11-25", None)],
        *[{"Mcp-Method": method} for method in ("tools/list", None)],
        *[{"Mcp-Name": name} for name in ("cancel_task", None, "=?base64?b25l?=")],
        *[{"Mcp-Name": name} for name in ("=?base64?!?=", "=?base64?/w==?=")],
    ],
)
def test_headers_that_differ_from_the_body(newer, headers):
    """A router on the way would have taken it for something else."""
    call = {"name": "list_models", "arguments": {}}

    error(newer.ask("tools/call", call, **headers), 400, -32020)
    encoded = {"Mcp-Name": "=?base64?bGlzdF9tb2RlbHM=?="}
    assert newer.ask("tools/call", call, **encoded).status_code == 200


def test_version_that_nobody_speaks(client):
    meta = {f"{PREFIX}protocolVersion": STRANGE, f"{PREFIX}clientCapabilities": {}}
    said = {"MCP-Protocol-Version": STRANGE, "Mcp-Method": "tools/list"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    later = client.post("/mcp", json={**body, "params": {"_meta": meta}}, headers=said)
    earlier = client.post("/mcp", json=body, headers=said)

    for answer in (later, earlier):
        data = error(answer, 400, -32022)["data"]
        assert data["requested"] == STRANGE
        assert LATEST in data["supported"]
    alone = client.post("/mcp", json=PING, headers={"MCP-Protocol-Version": LATEST})
    error(alone, 400, -32602)  # the later era wants it in the body, too


@for_each(
    ("body", "code"),
    [
        *[(body, -32700) for body in (b"{", b"\xff", b"[" * 100_000, b"")],
        (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602),
    ],
)
def test_body_that_is_no_message(client, body, code):
    answer = client.post("/mcp", data=body, content_type="application/json")

    error(answer, 400, code)


@for_each(
    "body",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}},
    ],
)
def test_what_wants_no_answer_gets_none(client, body):
    answer = client.post("/mcp", json=body)

    assert (answer.status_code, answer.data) == (202, b"")


@for_each("method", ["GET", "DELETE", "PUT", "OPTIONS", "HEAD"])
def test_other_methods(client, method):
    """There is no session to follow or to end, and no page to ask beforehand."""
    answer = client.open("/mcp", method=method)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@for_each("id_given", ["one", 0, -7, 2**40])
def test_answer_has_the_name_of_its_question(client, id_given):
    answer = client.post("/mcp", json={**PING, "id": id_given})

    assert answer.json == {"jsonrpc": "2.0", "id": id_given, "result": {}}


def test_size_and_kind_of_a_body(client):
    large = client.post("/mcp", data=b"x" * 1_100_000, content_type="application/json")
    form = client.post("/mcp", data={"jsonrpc": "2.0"})

    assert error(large, 413, -32000)["data"]["error"] == "request_too_large"
    assert error(form, 415, -32000)["data"]["error"] == "unsupported_media_type"


@for_each("page", ["docs/mcp.md", "docs/mcp.en.md"])
def test_page_names_every_error(page):
    """With what to do: each code that there is, and no other."""
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    told = {int(code) for code in re.findall(r"^\| (-32\d+) \|", text, re.MULTILINE)}

    known = {each for each in vars(errors).values() if isinstance(each, int)}

    assert told == {each for each in known if each < 0}
