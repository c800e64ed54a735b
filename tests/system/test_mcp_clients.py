"""The MCP clients as they are published, at the whole product."""

import http.client
import json
import subprocess
import time
import tomllib
from collections import Counter

import pytest

from tests import clients
from tests.mcp.conftest import LATEST
from tests.printed import blocks
from tests.system.test_openai_clients import waits_for
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.system

GUIDE = "docs/mcp.en.md"


def test_python_sdk_draws(live_server):
    """In each of its three modes: lists, calls, looks again, and is refused."""
    modes = f"legacy auto {LATEST}"

    assert clients.python("mcp_client.py", live_server.url, MODES=modes) == "done\n"


def test_javascript_sdks_draw(live_server):
    """The one of the earlier era, and the new one in both."""
    assert clients.node("mcp_client.mjs", live_server.url) == "done\n"


def test_key_opens_the_door(closed_server, ada):
    """With sign-in on the same clients need one; a wrong one is said to be that."""
    url, key = closed_server.url, ada.key

    assert clients.python("mcp_client.py", url, MODES="auto", KEY=key) == "done\n"
    assert clients.python("mcp_client.py", url, KEY="jm_x") == "done\n"


def test_command_of_the_guide_prints_a_link(live_server):
    """As it is printed there."""
    (script,) = blocks(GUIDE, "bash")
    here = live_server.url.removeprefix("http://")

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("localhost:8080", here)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )

    assert done.stdout.startswith(f"{live_server.url}/i/"), done.stderr


def test_settings_of_the_guide_can_be_read():
    """What is to be copied into files is what these files take."""
    read = {"json": json.loads, "toml": tomllib.loads}
    found = [read[kind](each) for kind in read for each in blocks(GUIDE, kind)]

    assert all(found) and len(found) == 4


def call(port: int, prompt: str, patience: float | None = None) -> dict | None:
    """Ask for a picture; None where the client loses its patience."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": "generate_image", "arguments": {"prompt": prompt}}
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=patience or PATIENCE_S)
    try:
        head = {"Content-Type": "application/json"}
        link.request("POST", "/mcp", json.dumps(body), head)
        return json.loads(link.getresponse().read())["result"]["structuredContent"]
    except TimeoutError:
        return None
    finally:
        link.close()


def test_call_that_is_cut_off_is_found_by_its_repetition(live_server):
    """One task, one submission, and the picture for who asked."""
    live_server.simulate(duration=3.0)
    prompt = f"cut off {time.time_ns()}"
    try:
        assert call(live_server.port, prompt, patience=1.0) is None
        waits_for(live_server, prompt)()

        found = call(live_server.port, prompt)
    finally:
        live_server.simulate(duration=0.3)

    assert found is not None
    assert (found["status"], found["joined"]) == ("completed", True)
    rows = live_server.ledger()["rows"]
    assert Counter(row["prompt"] for row in rows)[prompt] == 1
