"""Asking a server over HTTP, as programs do and as browsers do."""

import json
from collections.abc import Mapping
from contextlib import suppress

import requests


def send(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> requests.Response:
    """
    One request.

    Raises:
        OSError: nobody answered, or not to the end.
    """
    data = None if body is None else json.dumps(body)
    every = {"Content-Type": "application/json", **(headers or {})}
    return requests.request(method, url, data=data, headers=every, timeout=timeout)


def ask(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict]:
    """The same: status and JSON."""
    answer = send(method, url, body, headers)
    return answer.status_code, json.loads(answer.content or b"null")


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
    method = "GET" if form is None else "POST"
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    answer = requests.request(method, url, data=form, headers=headers, timeout=60)
    return answer.status_code, answer.headers["Content-Type"], answer.content
