"""A load: threads that send one request after the other over kept connections."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping

THREADS = 8


JSON = {"Content-Type": "application/json"}


def rate(
    port: int,
    seconds: float,
    make: Callable[[int], tuple],
    headers: Mapping[str, str] | None = None,
) -> float:
    """
    Requests a second that are answered below 400.

    Args:
        seconds: How long to send.
        make: Number of the thread -> method, path and body of its next request.

    Raises:
        RuntimeError: an answer was an error.
    """
    counts, errors = [0] * THREADS, []
    end = time.monotonic() + seconds

    def send(number: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < end and not errors:
            method, path, body = make(number)
            text = None if body is None else json.dumps(body)
            link.request(method, path, text, {**JSON, **(headers or {})})
            answer = link.getresponse()
            content = answer.read()
            if answer.status >= 400:
                errors.append(f"{method} {path}: {answer.status} {content[:200]!r}")
            counts[number] += 1
        link.close()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(errors[0])
    return sum(counts) / (time.monotonic() - began)


def ask(
    port: int,
    method: str,
    path: str,
    body: dict | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict:
    """One request and its JSON answer."""
    text = None if body is None else json.dumps(body)
    return json.loads(send(port, method, path, text, {**JSON, **(headers or {})})[1])


def tag_of(port: int, path: str, headers: Mapping[str, str] | None = None) -> str:
    """The ``ETag`` of what is there."""
    return send(port, "GET", path, None, headers or {})[0].headers["ETag"]


def send(
    port: int,
    method: str,
    path: str,
    body: str | bytes | None,
    headers: Mapping[str, str],
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request over a connection of its own."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    link.request(method, path, body, dict(headers))
    answer = link.getresponse()
    content = answer.read()
    link.close()
    return answer, content
