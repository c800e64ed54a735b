"""The bytes of pictures and inputs; never changed, so browsers cache them for good."""

import threading
from typing import BinaryIO

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import inputs, tasks
from jimeng.documents import Image, Task
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.errors.access import SignInRequired
from jimeng.errors.inputs import ServerBusy
from jimeng.gallery import downloads
from jimeng.gallery.downloads import plain_name
from jimeng.http import auth
from jimeng.http.responses import content_disposition, file_response
from jimeng.web import bp
from jimeng.web.gallery.downloads import are_wanted

# A picture that a browser shows alone may run nothing; the style is that of the
# browser's own viewer.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@bp.get("/i/<key>.<ext>")
def image(key: str, ext: str) -> Response:
    """
    The picture as it came from the provider; to be saved by who asked for it, with
    what it was made of written into it.
    """
    found, content = tasks.open_image(None, key)
    if found.suffix != ext:
        content.close()
        raise ImageNotFound("no picture of that type")
    task = own_task(found) if request.args.get("download") == "1" else None
    size, etag = found.bytes, found.sha256
    if task and are_wanted():
        written = downloads.with_words(content, found, task)
        content, size = written.content, written.bytes
        etag = "-".join(filter(None, [etag, written.mark]))
    response = send(content, size, found.content_type, etag=etag)
    response.last_modified = found.created_at
    response.headers["Content-Disposition"] = disposition(found, ext, task)
    if "download" in request.args:
        # It depends on who asks, so no cache may give it to others.
        response.headers["Cache-Control"] = "private, no-cache"
    return finish(response, size)


@bp.get("/i/<key>/thumb.webp")
def thumbnail(key: str) -> Response:
    """The picture, small, as WebP."""
    found, content = tasks.open_image(None, key, "thumbnail_id")
    return small(found, content, found.thumbnail_bytes, "image/webp", "thumb")


@bp.get("/i/<key>/preview.jpg")
def preview(key: str) -> ResponseReturnValue:
    """
    The same for dense screens; small pictures have none, but for the thumbnail.
    """
    try:
        found, content = tasks.open_image(None, key, "preview_id")
    except ImageNotFound:
        return redirect(url_for(".thumbnail", key=key))
    return small(found, content, found.preview_bytes, "image/jpeg", "preview")


def small(
    found: Image, content: BinaryIO, size: int, content_type: str, name: str
) -> Response:
    response = send(content, size, content_type, etag=f"{found.sha256}-{name}")
    response.last_modified = found.created_at
    response.headers["Content-Disposition"] = "inline"
    return finish(response, size)


def send(content: BinaryIO, size: int, content_type: str, *, etag: str) -> Response:
    response = file_response(content, size, content_type)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # Shared with whoever has the link, not listed.
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response


def finish(response: Response, size: int) -> Response:
    """Answer 304, 206 or 416 where that was asked for; of several parts the whole."""
    asked, wanted = request.environ, request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        asked = {name: each for name, each in asked.items() if name != "HTTP_RANGE"}
    response.make_conditional(asked, accept_ranges=True, complete_length=size)
    return response


def own_task(found: Image) -> Task | None:
    """What asked for the picture; None for those who may not read that."""
    try:
        return tasks.find(auth.principal_of_page(), found.task_id)
    except (TaskNotFound, SignInRequired):
        return None


def disposition(found: Image, ext: str, task: Task | None) -> str:
    """Shown in the page, or with ``?download=1`` saved under a name."""
    plain = f"jimeng-{found.key[:8]}-{found.index + 1}.{ext}"
    if request.args.get("download") != "1":
        return f'inline; filename="{plain}"'
    # The beginning of the prompt as it was written, for those who may read it.
    name = plain_name(tasks.original_wording(task).prompt if task else None)
    return content_disposition(plain, f"{name}-{found.index + 1}.{ext}")


PLACES = 4  # at a time in a process: whoever has a link could hold all threads
RETRY_AFTER_S = 2  # seconds
_places = threading.BoundedSemaphore(PLACES)


@bp.get("/in/<token>")
def given(token: str) -> Response:
    """A picture under a signed link; kept by nobody on the way."""
    if not _places.acquire(blocking=False):
        raise ServerBusy("no place to send an input", retry_after=RETRY_AFTER_S)
    try:
        content, size, content_type = inputs.open_link(token)
    except BaseException:
        _places.release()
        raise
    # Passed through directly, nothing would be called at the end.
    response = file_response(content, size, content_type, direct=False)
    response.call_on_close(_places.release)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response
