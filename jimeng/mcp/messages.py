"""
Messages as they come in, of both eras of the protocol.

Until 2025-11-25 a client shakes hands first. From 2026-07-28 on each request says for
itself which version it speaks, in its body and once more in its headers.
Source: https://modelcontextprotocol.io/specification
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from jimeng.http.request_bodies import strict_json
from jimeng.mcp.errors import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Refused,
    spelt_out,
)

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = ("2026-07-28",)
VERSIONS = [*STATELESS, *reversed(HANDSHAKE)]  # the newest first
SPOKEN = "io.modelcontextprotocol/protocolVersion"
ENCODED = re.compile(r"=\?base64\?([A-Za-z0-9+/=]*)\?=")
ROUTING = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")


@dataclass(frozen=True)
class Message:
    """
    Attributes:
        id: What the answer is known by; None of one that wants none.
        is_stateless: It is of the later era.
    """

    id: str | int | None
    method: str
    params: dict = field(default_factory=dict)
    is_stateless: bool = False


def read(request: Request) -> Message | None:
    """
    The message in a request; None where it is an answer, to which there is nothing
    to say.

    Raises:
        Refused: it is no JSON, no message, or says two things.
        UnsupportedMediaType: it does not say that it is JSON.
    """
    body = request.get_data(cache=True)
    if not request.is_json:
        raise UnsupportedMediaType()
    try:
        content = strict_json(body)
    except (ValueError, RecursionError) as error:
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
    if isinstance(message_id, str) and spelt_out(message_id) != message_id:
        is_named = False  # no answer could say it
    if not isinstance(method, str) or not is_named:
        raise Refused(
            INVALID_REQUEST, "a request has a method, and a text or number id"
        )
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "params must be an object")
    return Message(message_id, method, params)


def settle_era(message: Message, request: Request) -> bool:
    """
    Whether the message is of the later era.

    Raises:
        Refused: header and body differ, or the version is none of ours.
    """
    meta = message.params.get("_meta")
    spoken = meta.get(SPOKEN) if isinstance(meta, dict) else None
    header = request.headers.get(ROUTING[0])
    if spoken is None:
        if header is None or header in HANDSHAKE:
            return False
        if header in STATELESS:
            raise Refused(INVALID_PARAMS, f"params._meta lacks {SPOKEN}")
        raise _unsupported(header)
    _check_headers(message, request, spoken)
    if spoken not in STATELESS:
        raise _unsupported(spoken)
    return True


def _unsupported(version: object) -> Refused:
    data = {"supported": VERSIONS, "requested": version}
    return Refused(UNSUPPORTED_VERSION, "unsupported protocol version", data=data)


def _check_headers(message: Message, request: Request, spoken: object) -> None:
    """What routers on the way go by must be what the body says."""
    said = [request.headers.get(name) for name in ROUTING]
    meant: list[object] = [spoken, message.method, said[2]]
    if message.method == "tools/call":
        said[2], meant[2] = decoded(said[2]), message.params.get("name")
    for name, there, here in zip(ROUTING, said, meant, strict=True):
        if there != here:
            raise Refused(HEADER_MISMATCH, f"the header {name} differs from the body")


def decoded(value: str | None) -> str | None:
    """What a header says that may be in Base64; None where that is broken."""
    found = ENCODED.fullmatch(value or "")
    if found is None:
        return value
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
