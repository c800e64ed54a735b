"""The HTTP handler: parses a request, authenticates it, and sends the response."""

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from simulator import ark, response_writer, signatures
from simulator.ark_responses import ArkCall
from simulator.control import PREFIX, Control, is_allowed
from simulator.service import Service
from simulator.settings import Account
from simulator.visual import Visual
from simulator.visual_responses import Answer, Call

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024  # as in Ark


class Server(ThreadingHTTPServer):
    """
    A server that, when closed, also closes keep-alive connections: a client with a
    connection pool would otherwise keep using a stopped simulator.
    """

    daemon_threads = False  # so that closing waits for the threads
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        service: Service,
        apis: tuple[Visual, ark.Ark],
        accounts: Sequence[Account],
        wall_clock: Callable[[], float],
    ) -> None:
        self.service = service
        self.visual, self.ark = apis
        self.accounts = accounts
        self.control = Control(service)
        self.stopping = threading.Event()
        self.wall_clock = wall_clock
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, Handler)

    def process_request(self, request, client_address) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        self.stopping.set()
        with self._open_lock:
            for each in self._open:
                # Reads end immediately; a response in progress is still sent.
                try:
                    each.shutdown(socket.SHUT_RD)
                except OSError:
                    log.debug("connection already gone")
        super().server_close()

    def handle_error(self, request, client_address) -> None:
        log.exception("request failed")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "jimeng-simulator"
    sys_version = ""
    # Nagle's algorithm delays responses on keep-alive connections by 40 ms (an ACK).
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError as error:
            self.close_connection = True
            log.debug("client went away: %s", error)

    def do_GET(self) -> None:  # noqa: N802 - the name http.server calls
        self._serve()

    def do_HEAD(self) -> None:  # noqa: N802 - the name http.server calls
        self._serve()

    def do_DELETE(self) -> None:  # noqa: N802 - the name http.server calls
        self._serve()

    def do_POST(self) -> None:  # noqa: N802 - the name http.server calls
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(Answer(413, b"", "text/plain"))
            return
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            self._send(self._answer(body))

    def _answer(self, body: bytes) -> Answer:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if url.path.startswith(PREFIX):
            if not is_allowed(self.client_address[0], headers):
                return Answer(403, b"for this machine only", "text/plain")
            return self.server.control.answer(self.command, url.path, body)
        received = signatures.Received(self.command, url.path, url.query, headers, body)
        if url.path.startswith("/api/"):
            return self._ark(received)
        query = parse_qs(url.query)
        action = query.get("Action", [""])[0]
        version = query.get("Version", [""])[0]
        call = Call.begin(action, version, self.server.wall_clock())
        is_link = url.path.startswith(("/image/", "/video/"))
        if is_link and self.command in ("GET", "HEAD"):
            return self.server.service.download(call, received)
        return self._visual(call, received)

    def _ark(self, received: signatures.Received) -> Answer:
        call = ArkCall.begin(self.server.wall_clock())
        answer = self.server.ark.call(call, received)
        log_refusal("ark", answer, call.request_id)
        return answer

    def _visual(self, call: Call, received: signatures.Received) -> Answer:
        """Verify the signature as the gateway does, then call the service."""
        service = self.server.service
        if not (call.action and call.version):
            return self._refused(call, 100004)
        now = self.server.wall_clock() + service.settings.signing_clock_offset
        account = signatures.account_of(received, self.server.accounts)
        verdict = signatures.check(received, account, now)
        if verdict is not None:
            return self._refused(call, *verdict)
        if account.access_key == service.settings.revoked:
            return self._refused(call, 100009)
        call = replace(call, account=account.name)
        visual = self.server.visual
        if not visual.knows(call.action, call.version):
            return self._refused(call, 100008)
        answer = visual.call(call, received.body, received.headers["host"])
        log_refusal(call.action, answer, call.request_id)
        return answer

    def _refused(self, call: Call, code: int, message: str = "") -> Answer:
        self.server.service.ledger.count("refused")
        log.info("gateway refused code=%s request=%s", code, call.request_id)
        return call.gateway(code, message)

    def _send(self, answer: Answer) -> None:
        response_writer.send(self, answer, self.server.stopping)


def log_refusal(action: str, answer: Answer, request_id: str) -> None:
    if answer.code not in {0, "", 10000}:
        log.info(
            "call refused action=%s code=%s request=%s", action, answer.code, request_id
        )
