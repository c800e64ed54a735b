"""
Incoming messages, of both eras of the protocol.

Up to 2025-11-25 a client performs a handshake. From 2026-07-28 on every request states
its protocol version, in its body and again in its headers.
Source: https://modelcontextprotocol.io/specification
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from flask import Request

from jimeng.errors import InvalidJson
from jimeng.http.requests import parse_json_body, read_body
from jimeng.mcp.errors import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Refused,
    escape_surrogates,
)

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = ("2026-07-28",)
VERSIONS = [*STATELESS, *reversed(HANDSHAKE)]  # the newest first
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
ENCODED = re.compile(r"=\?base64\?([A-Za-z0-9+/=]*)\?=")
ROUTING_HEADERS = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")


@dataclass(frozen=True)
class Message:
    """
    Attributes:
        id: Of the request; None for a notification.
        is_stateless: It is of the later era.
    """

    id: str | int | None
    method: str
    params: dict = field(default_factory=dict)
    is_stateless: bool = False


def parse_message(request: Request) -> Message | None:
    """
    Parse the message of an HTTP request; None for a JSON-RPC response, which needs no
    answer.

    Raises:
        Refused: the body is not JSON, or not a valid message.
        UnsupportedMediaType: its Content-Type is not JSON.
        RequestEntityTooLarge: it is larger than a message with pictures may be.
    """
    try:
        content = parse_json_body(read_body(request) or b" ")  # which is no JSON
    except InvalidJson as error:
        raise Refused(PARSE_ERROR, "the body is not valid JSON") from error
    if not isinstance(content, dict) or content.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, "the body must be one JSON-RPC 2.0 message")
    if "method" not in content and ("result" in content or "error" in content):
        return None
    return _message(content)


def _message(content: dict) -> Message:
    method, params = content.get("method"), content.get("params", {})
    message_id = content.get("id")
    is_named = type(message_id) in {str, int} or "id" not in content
    if isinstance(message_id, str) and escape_surrogates(message_id) != message_id:
        is_named = False  # it cannot be encoded in a response
    if not isinstance(method, str) or not is_named:
        raise Refused(
            INVALID_REQUEST, "a request has a method, and a text or number id"
        )
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "params must be an object")
    return Message(message_id, method, params)


def check_era(message: Message, request: Request) -> bool:
    """
    Whether the message is of the later era.

    Raises:
        Refused: header and body differ, or the version is not supported.
    """
    meta = message.params.get("_meta")
    spoken = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    header = request.headers.get(ROUTING_HEADERS[0])
    if spoken is None:
        if header is None or header in HANDSHAKE:
            return False
        if header in STATELESS:
            raise Refused(INVALID_PARAMS, f"params._meta lacks {VERSION_KEY}")
        raise _unsupported(header)
    _check_headers(message, request, spoken)
    if spoken not in STATELESS:
        raise _unsupported(spoken)
    return True


def _unsupported(version: object) -> Refused:
    data = {"supported": VERSIONS, "requested": version}
    return Refused(UNSUPPORTED_VERSION, "unsupported protocol version", data=data)


def _check_headers(message: Message, request: Request, spoken: object) -> None:
    """Require that the headers that routers read match the body."""
    said = [request.headers.get(name) for name in ROUTING_HEADERS]
    meant: list[object] = [spoken, message.method, said[2]]
    if message.method == "tools/call":
        said[2], meant[2] = decode_header(said[2]), message.params.get("name")
    for name, there, here in zip(ROUTING_HEADERS, said, meant, strict=True):
        if there != here:
            raise Refused(HEADER_MISMATCH, f"the header {name} differs from the body")


def decode_header(value: str | None) -> str | None:
    """Decode a header that may be in Base64; None if that is malformed."""
    found = ENCODED.fullmatch(value or "")
    if found is None:
        return value
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
