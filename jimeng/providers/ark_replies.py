"""What an answer of Ark's says."""

import re
from dataclasses import dataclass

from jimeng.providers.transport import Answer, parse, short

REQUEST_ID = re.compile(r"Request id: ([\w\-]{1,100})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """
    What an answer of Ark's says.

    Attributes:
        status: The HTTP status.
        code: Of the error; None where there is none, or the body cannot be read.
        param: The parameter that an error names.
        pictures: ``data``: the pictures, or the error of each; None where there is
            no such list.
        billed: Pictures that are charged, None where it does not say.
    """

    status: int
    request_id: str | None
    code: str | None = None
    text: str = ""
    pictures: list[dict] | None = None
    billed: int | None = None
    param: str = ""

    @property
    def is_success(self) -> bool:
        return self.status == 200 and self.code is None and self.pictures is not None


def read(answer: Answer) -> Reply:
    """Read an answer; what is none of Ark's has neither code nor pictures."""
    request_id = short(answer.headers.get("X-Request-Id"))
    try:
        found = parse(answer.body)
    except ValueError:
        return Reply(answer.status, request_id, text="the answer is not JSON")
    if not isinstance(found, dict):
        return Reply(answer.status, request_id, text="the answer is not an object")
    if "error" in found:
        code, text = error_of(found)
        named = REQUEST_ID.search(text)
        request_id = request_id or (named[1] if named else None)
        return Reply(answer.status, request_id, code, text, param=param_of(found))
    data, usage = found.get("data"), found.get("usage")
    billed = usage.get("generated_images") if isinstance(usage, dict) else None
    return Reply(
        answer.status,
        request_id,
        pictures=[p for p in data if isinstance(p, dict)]
        if isinstance(data, list)
        else None,
        billed=billed if type(billed) is int else None,
    )


def param_of(found: dict) -> str:
    """The parameter that an error names; empty where it names none."""
    error = found.get("error")
    return short(error.get("param")) or "" if isinstance(error, dict) else ""


def error_of(found: dict) -> tuple[str | None, str]:
    """Code and words of an ``error``, the whole answer's or a picture's."""
    error = found.get("error")
    if not isinstance(error, dict):
        return None, "an error without a code"
    return short(error.get("code")), str(error.get("message"))
