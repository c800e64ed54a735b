"""The files of outputs and inputs; immutable, so browsers may cache them for good."""

import threading
from datetime import datetime

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import inputs, tasks
from jimeng.documents import Image, Task
from jimeng.documents.image import FILES
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.errors.access import SignInRequired
from jimeng.errors.inputs import ServerBusy
from jimeng.gallery import downloads
from jimeng.gallery.downloads import file_name_of
from jimeng.http import auth
from jimeng.http.request_kinds import sends_picture
from jimeng.http.responses import content_disposition, file_response, rooted
from jimeng.pictures.contents import Content
from jimeng.web import bp, public
from jimeng.web.gallery.downloads import metadata_is_wanted

# A picture opened alone in a browser may run no scripts; the styles are those of the
# browser's own viewer.
STANDALONE_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# The viewer asks for the video again, which Chromium refuses to a sandbox.
VIDEO_CSP = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'"
# Of a video, in the answer to a range without an end: a player that is closed soon has
# not caused the server to read all of it.
MAX_OPEN_BYTES = 8 * 2**20


@bp.get("/i/<key>.<ext>")
@sends_picture
@public
def image(key: str, ext: str) -> Response:
    """
    The picture as the provider sent it; as a download for its owner, with the prompt
    written into its metadata.
    """
    found, content = tasks.open_image(key)
    if found.is_video or found.suffix != ext:
        raise ImageNotFound("no picture of that type")
    return whole(found, content)


@bp.get("/v/<key>.mp4")
@sends_picture
@public
def video(key: str) -> Response:
    """The video as the provider sent it."""
    return whole(*open_video(key))


@bp.get("/v/<key>/last_frame.png")
@sends_picture
@public
def last_frame(key: str) -> Response:
    """The last frame of a video, as the provider sent it: PNG, JPEG or WebP."""
    found, content = open_video(key, "last_frame_id")
    return small(found, content, picture_type(content.read(0, 12)), "last-frame")


@bp.app_template_global()
def output_url(found: Image, *, download: bool = False) -> str:
    """The URL of an output, as it is stored."""
    return rooted(found.path) + ("?download=1" if download else "")


@bp.app_template_global()
def still_url(found: Image) -> str:
    """The URL of the picture itself, or of what a video shows until it is played."""
    return rooted(found.still_path)


@bp.app_template_filter("file_kind")
def file_kind(found: Image) -> str:
    """The name of an output's format."""
    return found.content_type.rpartition("/")[2].upper()


def open_video(key: str, part: str = FILES[0]) -> tuple[Image, Content]:
    """
    Raises:
        ImageNotFound: no video has this key, or it has no such file.
    """
    found, content = tasks.open_image(key, part)
    if not found.is_video:
        raise ImageNotFound("no video under that key")
    return found, content


def picture_type(head: bytes) -> str:
    """The content type of a picture that begins with *head*."""
    if head.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if head[8:] == b"WEBP" else "image/png"


def whole(found: Image, content: Content) -> Response:
    """An output as it is stored, or as a download."""
    ext = found.suffix
    task = own_task(found) if request.args.get("download") == "1" else None
    etag, modified = found.sha256, found.created_at
    if task and metadata_is_wanted():
        written = downloads.with_metadata(content, found, task)
        content = written.content
        etag = "-".join(filter(None, [etag, written.mark]))
    response = send_whole(found, content, etag=etag, modified=modified)
    response.headers["Content-Disposition"] = disposition(found, ext, task)
    if "download" in request.args:
        # The content depends on the principal, so shared caches must not store it.
        response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.get("/i/<key>/thumb.webp")
@sends_picture
@public
def thumbnail(key: str) -> Response:
    """The thumbnail, as WebP."""
    found, content = tasks.open_image(key, "thumbnail_id")
    return small(found, content, "image/webp", "thumb")


@bp.get("/i/<key>/preview.jpg")
@sends_picture
@public
def preview(key: str) -> ResponseReturnValue:
    """
    The preview for high-density screens; a small picture has only a thumbnail.
    """
    try:
        found, content = tasks.open_image(key, "preview_id")
    except ImageNotFound:
        return redirect(url_for(".thumbnail", key=key))
    return small(found, content, "image/jpeg", "preview")


def small(found: Image, content: Content, content_type: str, name: str) -> Response:
    etag, modified = f"{found.sha256}-{name}", found.created_at
    response = send(content, content_type, etag=etag, modified=modified)
    response.headers["Content-Disposition"] = "inline"
    return response


def send_whole(
    found: Image, content: Content, *, etag: str, modified: datetime | None = None
) -> Response:
    if not found.is_video:
        return send(content, found.content_type, etag=etag, modified=modified)
    # A resumed download expects the rest at once.
    most = None if "download" in request.args else MAX_OPEN_BYTES
    response = send(
        content,
        found.content_type,
        etag=etag,
        modified=modified,
        max_open_bytes=most,
    )
    response.headers["Content-Security-Policy"] = VIDEO_CSP
    return response


def send(
    content: Content,
    content_type: str,
    *,
    etag: str,
    modified: datetime | None = None,
    max_open_bytes: int | None = None,
) -> Response:
    response = file_response(
        content,
        content_type,
        etag=etag,
        modified=modified,
        max_open_bytes=max_open_bytes,
    )
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Content-Security-Policy"] = STANDALONE_CSP
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # Accessible to anyone with the link, but not indexed.
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response


def own_task(found: Image) -> Task | None:
    """The picture's task; None if the principal may not see it."""
    try:
        return tasks.find(auth.principal_of_page(), found.task_id)
    except (TaskNotFound, SignInRequired):
        return None


def disposition(found: Image, ext: str, task: Task | None) -> str:
    """
    `Content-Disposition`: inline, or with ``?download=1`` an attachment with a name.
    """
    plain = f"jimeng-{found.key[:8]}-{found.index + 1}.{ext}"
    if request.args.get("download") != "1":
        return f'inline; filename="{plain}"'
    # The beginning of the prompt, for principals who may see the task.
    name = file_name_of(tasks.original_wording(task).prompt if task else None)
    return content_disposition(plain, f"{name}-{found.index + 1}.{ext}")


# Simultaneous transfers per process: slow clients with a link could block all threads.
MAX_TRANSFERS = 4
RETRY_AFTER_S = 2
_transfer_slots = threading.BoundedSemaphore(MAX_TRANSFERS)


@bp.get("/in/<token>")
@sends_picture
@public
def input_link(token: str) -> Response:
    """An input under a signed link; no cache may store it."""
    if not _transfer_slots.acquire(blocking=False):
        raise ServerBusy("no slot to send an input", retry_after=RETRY_AFTER_S)
    try:
        response = file_response(*inputs.open_link(token))
    except BaseException:
        _transfer_slots.release()
        raise
    response.call_on_close(_transfer_slots.release)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = STANDALONE_CSP
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response
