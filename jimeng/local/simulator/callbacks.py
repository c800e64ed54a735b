"""The calls that Visual makes by itself when a task with a callback has ended."""

import http.client
import logging
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TIMEOUT = 5.0  # seconds


def is_local(url: str) -> bool:
    """Whether *url* may be called: a demo calls nobody but this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port != 0
    except ValueError:
        return False


class Callbacks:
    """Those under way. A restart forgets them, as it may at the real service."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def send(self, url: str, seconds: float, make: Callable[[], bytes]) -> None:
        """POST what *make* returns to *url*, in so many *seconds*."""
        thread = threading.Thread(
            target=self._send, args=(url, seconds, make), name="callback"
        )
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Drop those that wait, finish those that are being sent."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send(self, url: str, seconds: float, make: Callable[[], bytes]) -> None:
        if self._stopping.wait(seconds):
            return
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            connection.request("POST", path or "/", make(), headers)
            status = connection.getresponse().status
            log.info("callback sent status=%s", status)
        except (OSError, http.client.HTTPException) as error:
            log.warning("callback failed: %s", error)
        finally:
            connection.close()
