"""
Request bodies: small ones are read before the application is called.

A slow client thus costs a greenlet instead of one of the `MAX_WORKING` permits, and the
duration of a request is that of its work. The application reads larger bodies itself,
once it knows the user and has a permit: see `jimeng.http.requests`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import InvalidChunkSize, NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import Parser
from werkzeug.exceptions import RequestTimeout

from jimeng.serve.sockets import ClientSocket, ClientTooSlow

WithoutPermit = Callable[[], AbstractContextManager]
MAX_READ_FIRST = 1024 * 1024  # bytes; `jimeng.http.requests.MAX_BODY_BYTES`
READ_BYTES = 64 * 1024  # at a time
# Further chunks are refused: each costs as much CPU as some kilobytes, during which no
# other request of the process is answered.
MAX_CHUNKS = 20_000


class BoundedChunks(ChunkedReader):
    """
    A chunked body with at most `MAX_CHUNKS` chunks.

    Raises:
        InvalidChunkSize: the body has more chunks.
    """

    def __init__(self, req: Request, unreader) -> None:
        self._count = 0
        super().__init__(req, unreader)

    def parse_chunk_size(self, unreader, data=None):
        self._count += 1
        if self._count > MAX_CHUNKS:
            raise InvalidChunkSize(b"more than %d chunks" % MAX_CHUNKS)
        return super().parse_chunk_size(unreader, data)


class BoundedRequest(Request):
    body: Body

    def set_body_reader(self) -> None:
        super().set_body_reader()
        if isinstance(self.body.reader, ChunkedReader):
            self.body = Body(BoundedChunks(self, self.unreader))


class RequestParser(Parser):
    mesg_class = BoundedRequest


class LateReader:
    """
    A large body, which the application reads itself. A malformed one raises `OSError`,
    as a truncated one does.

    Args:
        length: 0 for a chunked body.
        without_permit: A context manager around each read, which releases the permit.
    """

    def __init__(
        self, reader, length: int, client: ClientSocket, without_permit: WithoutPermit
    ) -> None:
        self._reader, self._client, self._without_permit = (
            reader,
            client,
            without_permit,
        )
        self._length, self._has_begun = length, False

    def read(self, size: int) -> bytes:
        """
        Raises:
            OSError: the client has disconnected.
            RequestTimeout: the client is too slow.
        """
        if not self._has_begun:
            self._client.begin_large(self._length)
            self._has_begun = True
        try:
            with self._without_permit():
                return self._reader.read(size)
        except ClientTooSlow as error:  # werkzeug would handle it as a disconnect
            raise RequestTimeout() from error
        except ParseException as error:
            raise OSError(f"broken body: {error}") from error


def read_small(
    req: BoundedRequest, client: ClientSocket, without_permit: WithoutPermit
) -> None:
    """
    Read the body of *req*, unless it is large: the application reads that, and the
    connection is closed after it.

    Args:
        without_permit: As in `LateReader`.

    Raises:
        ParseException: malformed chunks, or too many.
        NoMoreData: the client has disconnected.
    """
    client.reads_head = False
    client.awaits_continue = req._expected_100_continue
    req._expected_100_continue = False
    is_chunked = isinstance(req.body.reader, ChunkedReader)
    length = 0 if is_chunked else req.body.reader.length
    data = bytearray()
    try:
        while length <= MAX_READ_FIRST and len(data) <= MAX_READ_FIRST:
            client.set_buffered(len(data))
            piece = req.body.read(READ_BYTES)
            if not piece:
                break
            data += piece
        else:
            req.force_close()
            req.body.buf.write(data)
            req.body.reader = LateReader(
                req.body.reader, length, client, without_permit
            )
            return
    finally:
        client.set_buffered(0)
    if len(data) < length:
        raise NoMoreData()
    req.body = Body(BytesIO(data))
    if is_chunked:  # RFC 9112, section 7.1.3
        others = [each for each in req.headers if each[0] != "TRANSFER-ENCODING"]
        req.headers = [*others, ("CONTENT-LENGTH", str(len(data)))]
