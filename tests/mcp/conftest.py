"""Fixtures: a client of either era, in this process."""

from itertools import count

import pytest
from werkzeug.test import TestResponse

from tests.access.conftest import ada, bob, built_closed, closed, secured

__all__ = ["ada", "bob", "built_closed", "closed", "secured"]

LATEST = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"


class Agent:
    """
    Speaks to ``/mcp`` as its era does.

    Attributes:
        headers: Of each request, besides.
    """

    def __init__(self, client, *, is_stateless: bool, **headers: str) -> None:
        self.client = client
        self.is_stateless = is_stateless
        self.headers = headers
        self._ids = count(1)

    def ask(
        self, method: str, params: dict | None = None, **headers: str | None
    ) -> TestResponse:
        """One request, with *headers* in place of what belongs there; None: without."""
        params, given = dict(params or {}), {**self.headers, **headers}
        if self.is_stateless:
            params["_meta"] = {
                f"{PREFIX}protocolVersion": LATEST,
                f"{PREFIX}clientCapabilities": {},
            }
            given = {"MCP-Protocol-Version": LATEST, "Mcp-Method": method, **given}
            if "name" in params:
                given.setdefault("Mcp-Name", params["name"])
        body: dict = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        given = {name: value for name, value in given.items() if value is not None}
        body["params"] = params
        # To the end: what follows an answer is part of it.
        return self.client.post("/mcp", json=body, headers=given, buffered=True)

    def result(self, method: str, params: dict | None = None) -> dict:
        answer = self.ask(method, params)
        assert answer.status_code == 200, answer.text
        assert "error" not in answer.json, answer.text
        return answer.json["result"]

    def call(self, name: str, **arguments: object) -> dict:
        return self.result("tools/call", {"name": name, "arguments": arguments})

    def done(self, name: str, **arguments: object) -> dict:
        """What programs are given by a call that must do what it is for."""
        result = self.call(name, **arguments)
        assert not result["isError"], result
        return result["structuredContent"]

    def refused(self, name: str, **arguments: object) -> str:
        """What a model is told by a call that must not."""
        result = self.call(name, **arguments)
        assert result["isError"], result
        return result["content"][0]["text"]


@pytest.fixture(params=[False, True], ids=["handshake", "stateless"])
def agent(client, quick_room, request) -> Agent:
    return Agent(client, is_stateless=request.param)


@pytest.fixture
def older(client, quick_room) -> Agent:
    """Of the era in which clients shake hands."""
    return Agent(client, is_stateless=False)


@pytest.fixture
def newer(client, quick_room) -> Agent:
    return Agent(client, is_stateless=True)
