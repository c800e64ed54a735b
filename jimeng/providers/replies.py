"""What an answer of the Visual service says, whichever of its shapes it has."""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng.providers.transport import PLAIN, Answer

MAX_TEXT = 300  # characters of a service's text that go into a message
# Of an answer that is longer than `PLAIN`, which takes a picture: one long word. As
# objects an answer of nothing but brackets has forty times its size.
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Reply:
    """
    What an answer says, whichever of the two shapes it has.

    Attributes:
        status: The HTTP status.
        code: Of the service or the gateway; None where the body cannot be read.
        data: The ``data`` of the service; empty where there is none.
    """

    status: int
    code: str | None = None
    text: str = ""
    request_id: str | None = None
    data: dict | None = None

    def get(self, name: str) -> object:
        return (self.data or {}).get(name)


def parse(body: bytes, *, exact: bool = False) -> object:
    """
    What an answer in JSON says.

    Args:
        exact: Keep numbers as text: ids are longer than a float is exact.

    Raises:
        ValueError: it is no JSON, or has so many parts that it can be no answer.
    """
    parts = sum(body.count(each) for each in (b",", b"[", b"{"))
    if len(body) > PLAIN and parts > MOST_PARTS:
        raise ValueError("too many parts")
    try:
        number = str if exact else None
        return json.loads(body, parse_int=number, parse_float=number)
    except RecursionError as error:
        raise ValueError("too deep") from error


def read(answer: Answer) -> Reply:
    """
    Read an answer of the service (flat, with ``code``), of the gateway before it
    (``ResponseMetadata.Error``), or of neither, such as a proxy's page.
    """
    try:
        found = parse(answer.body, exact=True)
    except ValueError:
        return Reply(answer.status, text="the answer is not JSON")
    if not isinstance(found, dict):
        return Reply(answer.status, text="the answer is not an object")
    gateway = found.get("ResponseMetadata")
    if isinstance(gateway, dict):
        error = gateway.get("Error")
        error = error if isinstance(error, dict) else {}
        code = short(error.get("CodeN")) or short(error.get("Code"))
        text = f"{error.get('Code')} {error.get('Message')}"
        return Reply(answer.status, code, text, short(gateway.get("RequestId")))
    data = found.get("data")
    return Reply(
        answer.status,
        short(found.get("code")),
        str(found.get("message")),
        short(found.get("request_id")),
        data if isinstance(data, dict) else None,
    )


def short(value: object) -> str | None:
    """Return a code or an id, which is short text; None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def picture(reply: Reply) -> dict[str, tuple] | None:
    """
    Pick the picture as `Progress` takes it, a link before bytes; one was asked for,
    so of several it is the first. None if there is none.
    """
    urls = [url for url in _items(reply.get("image_urls")) if url]
    if urls:
        return {"urls": (urls[0],)}
    for text in _items(reply.get("binary_data_base64")):
        image = decode(text)
        if image:
            return {"images": (image,)}
    return None


def _items(value: object) -> list[str]:
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, str)]


def decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None


def masked(text: str, secrets: Iterable[str]) -> str:
    """Cut a service's text short and keep keys out: they echo wrong ones."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"\[[^\s\[\]]+\]", "[***]", text)
    return re.sub(r"\s+", " ", text)[:MAX_TEXT]
