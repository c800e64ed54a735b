"""JSON-RPC errors and their HTTP status."""

from flask import Response, g

from jimeng.http.responses import json_response
from jimeng.i18n import t

PATH = "/mcp"
# Of JSON-RPC 2.0, section 5.1, and of the protocol.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
REFUSED = -32000  # not about the protocol: keys, limits, unavailable services


class Refused(Exception):
    """
    A message that is answered with a JSON-RPC error.

    Attributes:
        code: Of JSON-RPC.
        status: Of HTTP.
        data: Details for programs.
    """

    def __init__(
        self, code: int, reason: str, *, status: int = 400, data: dict | None = None
    ) -> None:
        super().__init__(escape_surrogates(reason))
        self.code = code
        self.status = status
        self.data = data


def escape_surrogates(text: str) -> str:
    """Escape lone surrogates, which no response can encode."""
    return text.encode(errors="backslashreplace").decode()


def error_response(
    refused: Refused, message_id: str | int | None, *, retry_after: int | None = None
) -> Response:
    error: dict[str, object] = {"code": refused.code, "message": str(refused)}
    if refused.data is not None:
        error["data"] = refused.data
    body = {"jsonrpc": "2.0", "id": message_id, "error": error}
    return json_response(body, refused.status, retry_after=retry_after)


def failure(
    code: str,
    status: int,
    *,
    message: str | None = None,
    retry_after: int | None = None,
    **more: object,
) -> Response:
    """An error that any interface may return, such as an invalid key."""
    data = {"error": code, "request_id": g.get("request_id", ""), **more}
    number = INTERNAL_ERROR if status == 500 else REFUSED
    said = message or t(f"error.{code}")
    refused = Refused(number, said, status=status, data=data)
    return error_response(refused, g.get("mcp_id"), retry_after=retry_after)
