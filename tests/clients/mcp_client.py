"""The MCP SDK for Python, unchanged, in some of its modes: a picture, and errors."""

import asyncio
import os

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

URL, KEY = os.environ["URL"] + "/mcp", os.environ["KEY"]


def connect(mode: str) -> Client:
    """A client of this server's."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
    return Client(streamable_http_client(URL, http_client=http), mode=mode)


async def draw(mode: str) -> None:
    async with connect(mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"generate_image", "get_task", "list_models"} <= names, names
        result = await client.call_tool("generate_image", {"prompt": f"猫 {mode}"})
        assert not result.is_error, result
        said = result.structured_content
        assert said["status"] == "completed", said
        kinds = [part.type for part in result.content]
        assert kinds == ["text", "image", "resource_link"], kinds
        found = await client.call_tool("get_task", {"task_id": said["task_id"]})
        assert found.structured_content["images"] == said["images"]
        edit = {"images": [said["images"][0]["url"]], "model": "jimeng-i2i-3.0"}
        edit["prompt"] = "戴上帽子"
        edited = await client.call_tool("edit_image", edit)
        assert edited.structured_content["status"] == "completed", edited
        batch = {"template": f"{{红|蓝}}猫 {mode}", "size": "512x512"}
        told = await client.call_tool("create_batch", {**batch, "dry_run": True})
        assert told.structured_content["total_pictures"] == 2, told
        made = await client.call_tool("create_batch", batch)
        found = {"batch_id": made.structured_content["batch_id"]}
        looked = await client.call_tool("get_batch", found)
        assert looked.structured_content["pictures"]["total"] == 2, looked
        put = {"collection": "MCP", "images": [said["images"][0]["url"]]}
        put = await client.call_tool("add_to_collection", put)
        assert put.structured_content["added"] == 1, put
        known = await client.call_tool("list_collections", {})
        names = [each["name"] for each in known.structured_content["collections"]]
        assert "MCP" in names, known
        wrong = await client.call_tool("generate_image", {"prompt": ""})
        assert wrong.is_error, wrong
        try:
            await client.call_tool("no_such_tool", {})
        except MCPError as error:
            assert error.error.code == -32602, error
        else:
            raise AssertionError("was called")


async def be_refused() -> None:
    try:
        async with connect("auto"):
            raise AssertionError("was let in")
    except Exception as error:  # groups of groups, by the SDK's own tasks
        assert "401" in repr(error) or "API" in repr(error), repr(error)


if "MODES" in os.environ:
    for each in os.environ["MODES"].split():
        asyncio.run(draw(each))
else:
    asyncio.run(be_refused())
print("done")
