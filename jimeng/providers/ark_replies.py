"""Parse the responses of Volcengine Ark."""

import re

from jimeng.providers.provider import Reply, object_in
from jimeng.providers.transport import Answer, short

QUOTED = re.compile(r"`([^`]{1,100})`")
REQUEST_ID = re.compile(r"Request id: ([\w\-]{1,100})", re.ASCII | re.IGNORECASE)


def read(answer: Answer, client_id: str) -> Reply:
    """
    Parse a response; one that is not Ark's has neither code nor data. A success is an
    object without an ``error`` next to it: the task of a failed video has its error
    inside.

    Args:
        client_id: Our id of the request, used where the response has no request id:
            Ark's support can look it up.
    """
    request_id = short(answer.headers.get("X-Request-Id"))
    found = object_in(answer)
    if isinstance(found, str):
        return Reply(answer.status, None, found, request_id or client_id)
    if "error" in found and not (answer.status == 200 and "id" in found):
        code, text = error_of(found)
        named = REQUEST_ID.search(text)
        request_id = request_id or (named[1] if named else client_id)
        return Reply(answer.status, code, text, request_id, found)
    request_id = request_id or client_id
    return Reply(answer.status, None, "", request_id, found, answer.status == 200)


def error_of(found: dict) -> tuple[str | None, str]:
    """Return code and message of an ``error``, of the response or of one output."""
    error = found.get("error")
    if not isinstance(error, dict):
        return None, "an error without a code"
    return short(error.get("code")), str(error.get("message"))


def param_of(reply: Reply) -> str:
    """Return the parameters at fault, which some errors name only in the message."""
    error = reply.data.get("error")
    param = short(error.get("param")) if isinstance(error, dict) else None
    return param or " ".join(QUOTED.findall(reply.text))


def billed(reply: Reply) -> int | None:
    """Return the number of charged pictures; None if the response does not say."""
    usage = reply.data.get("usage")
    found = usage.get("generated_images") if isinstance(usage, dict) else None
    return found if type(found) is int else None
