"""The MCP clients as they are published, at the whole product."""

import json
import tomllib

import pytest

from tests import clients
from tests.mcp.conftest import LATEST
from tests.printed import blocks
from tests.system.commands import BASH, run_printed

pytestmark = pytest.mark.system

GUIDE = "docs/mcp.en.md"


def test_sdks_draw(live_server):
    """
    Python's in each of its three modes lists, calls, looks again, and is refused; of
    JavaScript's the one of the earlier era, and the new one in both.
    """
    url, modes = live_server.url, f"legacy auto {LATEST}"

    assert clients.python("mcp_client.py", url, MODES=modes) == "done\n"
    assert clients.node("mcp_client.mjs", url) == "done\n"


def test_key_opens_the_door(closed_server, ada):
    """With sign-in on the same clients need one; a wrong one is said to be that."""
    url, key = closed_server.url, ada.key

    assert clients.python("mcp_client.py", url, MODES="auto", KEY=key) == "done\n"
    assert clients.python("mcp_client.py", url, KEY="jm_x") == "done\n"


def test_command_of_the_guide_prints_a_link(live_server):
    """As it is printed there."""
    (script,) = blocks(GUIDE, "bash")

    said = run_printed(script, BASH, live_server.url)

    assert said.startswith(f"{live_server.url}/i/")


def test_settings_of_the_guide_can_be_read():
    """What is to be copied into files is what these files take."""
    read = {"json": json.loads, "toml": tomllib.loads}
    found = [read[kind](each) for kind in read for each in blocks(GUIDE, kind)]

    assert all(found) and len(found) == 4
