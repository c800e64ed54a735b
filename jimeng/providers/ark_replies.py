"""What an answer of Ark's says."""

import re

from jimeng.providers.calling import Reply, object_in
from jimeng.providers.transport import Answer, short

REQUEST_ID = re.compile(r"Request id: ([\w\-]{1,100})", re.ASCII | re.IGNORECASE)


def read(answer: Answer, client_id: str) -> Reply:
    """
    Read an answer; what is none of Ark's has neither code nor data.

    Args:
        client_id: What we have called the request; where the answer has no name for
            it, Ark's support can look for this one.
    """
    request_id = short(answer.headers.get("X-Request-Id"))
    found = object_in(answer)
    if isinstance(found, str):
        return Reply(answer.status, None, found, request_id or client_id)
    if "error" in found:
        code, text = error_of(found)
        named = REQUEST_ID.search(text)
        request_id = request_id or (named[1] if named else client_id)
        return Reply(answer.status, code, text, request_id, found)
    is_success = answer.status == 200 and isinstance(found.get("data"), list)
    request_id = request_id or client_id
    return Reply(answer.status, None, "", request_id, found, is_success)


def param_of(reply: Reply) -> str:
    """The parameter that an error names; empty where it names none."""
    error = reply.data.get("error")
    return short(error.get("param")) or "" if isinstance(error, dict) else ""


def billed(reply: Reply) -> int | None:
    """Pictures that are charged; None where it does not say."""
    usage = reply.data.get("usage")
    found = usage.get("generated_images") if isinstance(usage, dict) else None
    return found if type(found) is int else None


def error_of(found: dict) -> tuple[str | None, str]:
    """Code and words of an ``error``, the whole answer's or a picture's."""
    error = found.get("error")
    if not isinstance(error, dict):
        return None, "an error without a code"
    return short(error.get("code")), str(error.get("message"))
