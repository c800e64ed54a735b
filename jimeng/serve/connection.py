"""One client's connection, as the loop and the threads have it in turn."""

from collections.abc import Callable

from gunicorn.http.body import Body, ChunkedReader
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
        has_place: Its body may be large; until it is answered.
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
        self.has_place = False
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
            ParseException: its chunks are broken. That is refused as a broken head is;
                the application would take it for an error of its own.
        """
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
