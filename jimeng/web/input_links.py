"""The pictures that go in, for a provider that fetches them itself."""

import threading

from flask import Response

from jimeng import inputs
from jimeng.errors.inputs import ServerBusy
from jimeng.http.answers import file
from jimeng.web import bp
from jimeng.web.images import ALONE

PLACES = 4  # at a time in a process: whoever has a link could hold all threads
COME_AGAIN = 2  # seconds
_places = threading.BoundedSemaphore(PLACES)


@bp.get("/in/<token>")
def given(token: str) -> Response:
    """A picture under a signed link; kept by nobody on the way."""
    if not _places.acquire(blocking=False):
        raise ServerBusy("no place to send an input", retry_after=COME_AGAIN)
    try:
        content, size, content_type = inputs.fetched(token)
    except BaseException:
        _places.release()
        raise
    # Passed through directly, nothing would be called at the end.
    response = file(content, size, content_type, direct=False)
    response.call_on_close(_places.release)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response
