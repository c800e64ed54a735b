"""A load: threads that send one request after the other over kept connections."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

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
    began = time.monotonic()

    def send_on(number: int) -> int:
        count = 0
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(link):
            while time.monotonic() < began + seconds:
                method, path, body = make(number)
                text = None if body is None else json.dumps(body)
                link.request(method, path, text, {**JSON, **(headers or {})})
                answer = link.getresponse()
                content = answer.read()
                if answer.status >= 400:
                    said = f"{answer.status} {content[:200]!r}"
                    raise RuntimeError(f"{method} {path}: {said}")
                count += 1
        return count

    with ThreadPoolExecutor(THREADS) as threads:
        sent = sum(threads.map(send_on, range(THREADS)))
    return sent / (time.monotonic() - began)


def send(
    port: int,
    method: str,
    path: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> http.client.HTTPResponse:
    """The answer to one request over a connection of its own, after its end."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with closing(link):
        link.request(method, path, body, dict(headers or {}))
        answer = link.getresponse()
        answer.read()
    return answer
