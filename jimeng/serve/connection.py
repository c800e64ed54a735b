"""One client's connection, as the loop and the threads have it in turn."""

from collections.abc import Callable
from urllib.parse import urlsplit

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import InvalidRequestLine
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn

from jimeng.serve.chunks import joined
from jimeng.serve.incoming import Incoming
from jimeng.serve.outgoing import STRAY_WITHIN, PatientSocket


class Connection(TConn):
    """
    Attributes:
        peer: The client's address, without the port.
        incoming: The request that is coming in, or that a thread has.
        charged: Bytes of it that count as held.
        place_of: Who sends it, where its body may be large; until it is all there.
        stays: Whether another request may follow.
        is_overdue: Whether what is waited for, if anything, is late.
    """

    sock: PatientSocket

    def __init__(
        self, cfg, sock, client, server, peer: str, left: Callable[["Connection"], None]
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self.peer = peer
        self.incoming = Incoming()
        self.charged = 0
        self.place_of: bytes | None = None
        self.stays = False
        self.is_overdue: Callable[[float], bool] | None = None
        self.data_ready = True
        self._left = left

    def begin(self) -> None:
        """A thread has the request now; for what will not come it does not wait."""
        self.init()
        self.sock.begin(0 if self.incoming.is_too_long else STRAY_WITHIN)
        self.parser.unreader.unread(bytes(self.incoming.data))
        self.incoming.data.clear()

    def take_in(self, req: Request) -> None:
        """
        Raises:
            ParseException: its chunks are broken, or its target is another host's. It
                is refused as a broken head is; the application would take it for an
                error of its own.
        """
        check_target(req)
        is_cut = self.incoming.is_too_long
        if is_cut:
            req.force_close()  # nobody reads the rest
        if isinstance(req.body.reader, ChunkedReader):
            unreader = self.parser.unreader
            body, rest = joined(unreader.take_buffered(), req, is_cut=is_cut)
            unreader.unread(rest)
            req.body = Body(body)
            if not is_cut:  # as RFC 9112 has it, section 7.1.3
                length = ("CONTENT-LENGTH", str(body.getbuffer().nbytes))
                others = (h for h in req.headers if h[0] != "TRANSFER-ENCODING")
                req.headers = [*others, length]

    def close(self, graceful: bool = False) -> None:
        self.sock.forget()
        self._left(self)
        super().close()


def check_target(req: Request) -> None:
    """
    Raises:
        InvalidRequestLine: it asks for another host than the one it names.
    """
    if req.uri.startswith("/") or req.uri == "*":
        return
    host = next((value for name, value in req.headers if name == "HOST"), "")
    if urlsplit(req.uri).netloc.lower() != host.lower():
        raise InvalidRequestLine(f"{req.method} {req.uri[:100]}")
