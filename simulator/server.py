"""Start and stop the simulator, in a background thread or as a process."""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from simulator.ark import Ark
from simulator.handler import Server
from simulator.ledger import Ledger
from simulator.pictures import Links
from simulator.service import Service
from simulator.settings import Account, Settings
from simulator.visual import Visual

log = logging.getLogger(__name__)


class Simulator:
    """
    A local server with the protocols of Volcengine's Visual and Ark.

    Attributes:
        service: The service behind the protocols; its ``settings`` may be replaced.
        port: The port it listens on; the actual one if 0 was requested.
    """

    def __init__(
        self,
        *,
        access_key: str,
        secret_key: str,
        session_token: str = "",
        ark_key: str = "",
        accounts: Sequence[Account] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        state: str = ":memory:",
        clock: Callable[[], float] = time.time,
        wall_clock: Callable[[], float] = time.time,
        dice: random.Random | None = None,
        **settings: object,
    ) -> None:
        """
        Bind the port; requests are served from `start` on.

        Args:
            ark_key: The API key of Ark; without one, Ark refuses all requests.
            accounts: Additional accounts.
            port: 0 for any free port.
            state: The ledger's file, created if missing; it survives restarts.
            clock: Unix time, by which tasks progress and links expire.
            wall_clock: Unix time, by which signatures are verified.
            dice: The source of durations and seeds; tests seed it.
            settings: Fields of `Settings`.

        Raises:
            ValueError: one of *settings* is unknown or invalid.
            OSError: the port is in use.
        """
        self.host = host
        self.service = Service(
            Ledger(state),
            Links(secret_key),
            Settings().changed(settings),
            clock=clock,
            dice=dice or random.Random(),  # noqa: S311 - draws pictures, guards nothing
            limits={each.name: each.limit for each in accounts if each.limit},
        )
        first = Account("", access_key, secret_key, session_token, ark_key)
        every = [first, *accounts]
        apis = Visual(self.service), Ark(self.service, every)
        try:
            self._server = Server((host, port), self.service, apis, every, wall_clock)
        except OSError:
            self.service.ledger.close()
            raise
        self.port: int = self._server.server_address[1]
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ledger(self) -> dict:
        """The ledger, as ``GET /_simulator/ledger`` returns it."""
        return self.service.ledger.report(self.service.now)

    def start(self) -> "Simulator":
        """Serve requests in a background thread."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="simulator"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the requests in progress, and close everything; idempotent."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self.service.ledger.close()

    def __enter__(self) -> "Simulator":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()


def run(port: int, **options: Any) -> None:
    """
    Run the simulator until SIGTERM or SIGINT. Must run in the main thread.

    Args:
        options: Arguments of `Simulator`.

    Raises:
        OSError: the port is in use.
    """
    simulator = Simulator(port=port, **options)
    heard: list[int] = []  # not an event: its lock may be held when a signal arrives
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: heard.append(number))
    with simulator:
        limit = simulator.service.settings.limit
        log.info("simulator started url=%s limit=%s", simulator.url, limit)
        while not heard:
            time.sleep(0.1)
    log.info("simulator stopped")
