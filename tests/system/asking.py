"""Asking a server over HTTP, as programs do and as browsers do."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress


def ask(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict]:
    """
    One request: status and JSON.

    Raises:
        OSError: nobody answered, or not to the end.
    """
    data = None if body is None else json.dumps(body).encode()
    every = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, every, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")
    except http.client.HTTPException as error:
        raise ConnectionError(f"cut off: {error!r}") from error


def answers(url: str, **headers: str) -> bool:
    """Whether something is there, and says 200."""
    with suppress(OSError, ValueError):
        return ask("GET", url, headers=headers)[0] == 200
    return False


def fetch(url: str, form: Mapping[str, str] | None = None) -> tuple[int, str, bytes]:
    """
    What a browser that prefers English gets: status, content type and body.

    Args:
        form: Sent by POST, if given.
    """
    data = None if form is None else urllib.parse.urlencode(form).encode()
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()
