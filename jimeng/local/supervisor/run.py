"""One run of jimeng on one machine: signals, readiness, restarts."""

import json
import logging
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.local.supervisor import plan
from jimeng.local.supervisor.source_watch import Watch, needs_consumer, needs_new_master
from jimeng.local.supervisor.stack import Stack


class Signals:
    """
    The stop signals received so far.

    The handler only appends to a list. It runs between any two bytecodes of the main
    thread, and may interrupt itself: a handler that acquires a lock, as
    `threading.Event.set` does, could deadlock on a lock that its own thread holds.
    """

    def __init__(self) -> None:
        self._heard: list[int] = []

    def listen(self) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) != signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(each, lambda number, _frame: self._heard.append(number))

    def stop(self, after: float = 0.0) -> bool:
        """Whether to stop; wait up to *after* seconds for a signal."""
        if not self._heard:
            time.sleep(after)
        return bool(self._heard)

    def hurry(self) -> bool:
        """Whether Ctrl-C was pressed twice: then do not wait for anything."""
        # Count only Ctrl-C: make forwards a SIGTERM that was received already.
        return self._heard.count(signal.SIGINT) > 1


TIMEOUT_S = 2.0  # for one response


def find_missing_services(config: Config) -> str:
    """The services that ``/health/ready`` reports as missing; empty if none."""
    host = config.bare_host
    host = "127.0.0.1" if host in plan.EVERYWHERE else host
    link = HTTPConnection(host, config.SERVER_PORT, timeout=TIMEOUT_S)
    with closing(link):
        try:
            link.request("GET", "/health/ready", headers={"Host": "localhost"})
            answer = link.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            return "an answer of the web server"
    if answer.status == 200:
        return ""
    try:
        return ", ".join(map(str, json.loads(body)["missing"]))
    except (ValueError, KeyError, TypeError):
        return f"another answer than {answer.status} of /health/ready"


log = logging.getLogger(__name__)

TICK = 0.1  # seconds between checks of the children
SOON = 0.03  # the same until the web server is ready
WATCH = 0.5  # seconds between polls of the source files
SLOW = 15.0  # seconds after which it reports the missing services
REFUSED = 2  # the exit status when a setting prevents the start
INTERRUPTED = 130  # the conventional exit status after Ctrl-C
DEMO = (
    " (pictures are from the demo provider; for real ones set "
    "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY)"
)


DISK = " (less than 300 MB are free for DATA_DIR: free some space, or choose another)"


class Run:
    """
    Args:
        stack: The services to run.
        watch: The source files, if changes restart the processes that use them.
        read: Reloads the settings; raises `ConfigError` for invalid ones.
    """

    def __init__(
        self, stack: Stack, watch: Watch | None, read: Callable[[], Config]
    ) -> None:
        self._stack = stack
        self._watch = watch
        self._read = read
        self._signals = Signals()
        self._began = time.monotonic()
        self._is_ready = False
        self._said_slow = False
        self._watched = 0.0  # time of the last poll of the sources

    def until_stopped(self) -> int:
        """
        Start everything, keep it running, and stop it on a signal.

        Returns:
            The exit status: 0, 130 if Ctrl-C was pressed twice, or 2 if a process
            cannot start.

        Raises:
            ConfigError: a database could not be started.
        """
        self._signals.listen()
        try:
            self._stack.start_databases(self._signals.hurry)
            if not self._signals.stop():
                self._stack.start_processes()
            while not self._signals.stop(after=TICK if self._is_ready else SOON):
                self._check()
                if self._is_refused():
                    return REFUSED
        finally:
            self._stack.stop(self._signals.hurry)
        return INTERRUPTED if self._signals.hurry() else 0

    def _is_refused(self) -> bool:
        """
        Whether a process refused to start: a restart would fail the same way, unless
        the sources are fixed meanwhile, as with --dev.
        """
        if self._is_ready or self._watch is not None:
            return False
        return self._stack.web.has_refused or self._stack.consumer.has_refused

    def _check(self) -> None:
        self._stack.check()
        if not self._is_ready and not self._stack.web.is_ending:
            self._ask_whether_ready()
        if self._watch and time.monotonic() - self._watched > WATCH:
            self._watched = time.monotonic()
            self._reload_changed(self._watch.changes())

    def _ask_whether_ready(self) -> None:
        lacking = find_missing_services(self._stack.config)
        if not lacking:
            self._is_ready = True
            self._stack.keep_address()
            self._stack.make_admin()
            demo = DEMO if self._stack.is_demo else ""
            sys.stdout.write(f"jimeng: {plan.url(self._stack.config)}{demo}\n")
            sys.stdout.flush()
        elif not self._said_slow and time.monotonic() - self._began > SLOW:
            self._said_slow = True
            hint = DISK if "disk" in lacking else ""
            log.warning("not ready yet, waiting for: %s%s", lacking, hint)

    def _reload_changed(self, changed: set[Path]) -> None:
        if any(path.name == ".env" for path in changed):
            return self._reload_settings()
        if not changed:
            return
        log.info("sources changed files=%d, starting again", len(changed))
        if needs_new_master(changed):
            self._stack.web.replace()
        else:
            self._stack.web.reload()
        if needs_consumer(changed):
            self._stack.consumer.replace()

    def _reload_settings(self) -> None:
        """Apply a changed ``.env``; keep the previous settings if it is invalid."""
        try:
            self._stack.apply_settings(self._read())
        except ConfigError as error:
            log.error("settings not taken, going on with the earlier ones: %s", error)
        else:
            log.info("settings changed, starting again")
            self._is_ready = False
