"""``POST /mcp``: one JSON-RPC message in, one response out, without sessions."""

import logging
from collections.abc import Callable
from dataclasses import replace

from flask import Response, g, jsonify, request

from jimeng.config.version import VERSION
from jimeng.http import auth
from jimeng.http.request_kinds import takes_calls
from jimeng.http.requests import accepts_pictures
from jimeng.mcp import bp, messages, tools
from jimeng.mcp.errors import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PATH,
    Refused,
    error_response,
)
from jimeng.mcp.messages import HANDSHAKE, VERSIONS, Message

log = logging.getLogger(__name__)

SERVER = {"name": "jimeng", "version": VERSION}
CAPABILITIES: dict[str, dict] = {"tools": {}}
# How long clients may cache lists: models change rarely.
CACHE_HINTS = {"ttlMs": 60_000, "cacheScope": "private"}


@bp.post(PATH, provide_automatic_options=False)
@takes_calls
@accepts_pictures
def handle_message() -> Response:
    """Handle a message of either protocol era; see `messages`."""
    message = messages.parse_message(request)
    if message is None or message.id is None:
        return Response(status=202)
    g.mcp_id = message.id
    is_stateless = messages.check_era(message, request)
    result = call(replace(message, is_stateless=is_stateless))
    return jsonify({"jsonrpc": "2.0", "id": message.id, "result": result})


@bp.errorhandler(Refused)
def on_refused(refused: Refused) -> Response:
    log.info("refused code=%d: %s", refused.code, refused)
    return error_response(refused, g.get("mcp_id"))


def call(message: Message) -> dict:
    """
    Call the method of a message.

    Raises:
        Refused: its protocol era has no such method, or the parameters are invalid. In
            the earlier era the HTTP status is 200 then.
    """
    methods = METHODS | (
        STATELESS_METHODS if message.is_stateless else HANDSHAKE_METHODS
    )
    if message.method not in methods:
        status = 404 if message.is_stateless else 200
        said = f"there is no method {message.method[:64]}"
        raise Refused(METHOD_NOT_FOUND, said, status=status)
    try:
        result = methods[message.method](message.params)
    except Refused as refused:
        if refused.code == INVALID_PARAMS and not message.is_stateless:
            refused.status = 200
        raise
    if not message.is_stateless:
        return result
    fresh = CACHE_HINTS if message.method in {"server/discover", "tools/list"} else {}
    return {"resultType": "complete", **result, **fresh}


def initialize(params: dict) -> dict:
    """Negotiate the version: the client's if it is supported, else the newest."""
    wanted = params.get("protocolVersion")
    version = wanted if wanted in HANDSHAKE else HANDSHAKE[-1]
    return {
        "protocolVersion": version,
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": tools.instructions(),
    }


def discover(params: dict) -> dict:
    return {
        "supportedVersions": VERSIONS,
        "capabilities": CAPABILITIES,
        "instructions": tools.instructions(),
        "_meta": {"io.modelcontextprotocol/serverInfo": SERVER},
    }


def ping(params: dict) -> dict:
    return {}


def list_tools(params: dict) -> dict:
    is_shop = bool(auth.principal_of_api().user_prefix)
    described = [
        each.described(names_customers=is_shop) for each in tools.TOOLS.values()
    ]
    return {"tools": described}


def call_tool(params: dict) -> dict:
    name, arguments = params.get("name"), params.get("arguments")
    tool = tools.TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        raise Refused(INVALID_PARAMS, f"there is no tool {str(name)[:64]}")
    if arguments is not None and not isinstance(arguments, dict):
        raise Refused(INVALID_PARAMS, "arguments must be an object")
    return tools.call_tool(tool, arguments or {})


Method = Callable[[dict], dict]
HANDSHAKE_METHODS: dict[str, Method] = {"initialize": initialize, "ping": ping}
STATELESS_METHODS: dict[str, Method] = {"server/discover": discover}
METHODS: dict[str, Method] = {"tools/list": list_tools, "tools/call": call_tool}
