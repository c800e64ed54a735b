"""
Zip archives of selected pictures or of all the user's data, clips joined into one
video, and the preference whether downloaded files contain the prompt as metadata (by
default, they do).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.accounts import data_export, users
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, JimengError, TooManyWaiting
from jimeng.gallery import downloads, picture_details
from jimeng.http import auth
from jimeng.http.long_polls import Permits
from jimeng.http.responses import content_disposition
from jimeng.i18n import t
from jimeng.pictures.contents import Pieces
from jimeng.web import bp
from jimeng.web.gallery.selection import selected_ids
from jimeng.web.site.formats import today, zone
from jimeng.web.site.preferences import set_preference_cookie

COOKIE = "words"  # of guests
# Each archive occupies a thread while it is sent, for as long as its client and the
# database take. A buffering proxy shortens that, but does not keep a client from
# requesting many at once.
MAX_PER_PRINCIPAL = 2  # a browser that resumes a broken download has two for a moment
MAX_DOWNLOADS = 6  # of a process's threads
RETRY_AFTER_S = 10
CONTENT_TYPES = {"zip": "application/zip", "mp4": "video/mp4"}

_slots = Permits(MAX_DOWNLOADS, MAX_PER_PRINCIPAL, "archives")


class TooManyDownloads(JimengError):
    """The limit of simultaneous archives is reached."""

    code = "too_many_downloads"
    status = 429


@bp.post("/pictures/zip")
def archive() -> ResponseReturnValue:
    """The selected pictures; errors are answered before the first byte is sent."""
    principal = g.principal
    images = downloads.find_selected(
        principal, selected_ids(most=None)
    )  # which limits their number
    name = t("archive.name", n=len(images), day=today(zone()))
    pieces = downloads.pack(
        images, zone(), reader=principal if metadata_is_wanted() else None
    )
    return send(principal, lambda: pieces, f"{name}.zip")


@bp.post("/pictures/<picture_id>/joined")
def join_clips(picture_id: str) -> Response:
    """The clips that end in this one, as one video."""
    principal = g.principal
    video = picture_details.find_picture(principal, picture_id)
    if not video.is_video:
        raise ImageNotFound(f"{picture_id} is no video")
    name = downloads.file_name_of(video.prompt)

    def joined() -> Pieces:
        return downloads.join_clips(picture_details.clips_up_to(principal, video))

    return send(principal, joined, f"{name}.mp4")


@bp.get("/account/export")
def export() -> ResponseReturnValue:
    """All pictures and a record of all tasks."""
    pieces = data_export.export(g.principal, zone(), with_prompts=metadata_is_wanted())
    name = t("archive.all", day=today(zone()))
    return send(g.principal, lambda: pieces, f"{name}.zip")


def send(principal: Principal, made: Callable[[], Pieces], name: str) -> Response:
    """
    Stream a file that *made* begins within the limits, and which is closed at the end;
    its length is not known in advance.

    Raises:
        TooManyDownloads: the limit of this principal or of the process is reached.
    """
    slot = ExitStack()
    try:
        slot.enter_context(_slots.acquire(principal.person))
    except TooManyWaiting as error:
        limit = error.rate_limits[0].quota or MAX_DOWNLOADS
        raise TooManyDownloads(
            f"archives at once: {error}", retry_after=RETRY_AFTER_S, limit=limit
        ) from None

    with slot:
        pieces = made()
        slot.callback(pieces.close)
        slot = slot.pop_all()

    def file_bytes() -> Iterator[bytes]:
        with slot:
            yield from pieces

    suffix = name.rpartition(".")[2]
    response = Response(file_bytes(), content_type=CONTENT_TYPES[suffix])
    response.call_on_close(slot.close)  # also when the client disconnects early
    named = content_disposition(f"jimeng-{today(zone())}.{suffix}", name)
    response.headers["Content-Disposition"] = named
    response.headers["Cache-Control"] = "no-store"
    return response


def metadata_is_wanted() -> bool:
    user = auth.current_user()
    if user is not None:
        return not user.plain_files
    return request.cookies.get(COOKIE) != "off"


@bp.post("/account/files")
def save_files() -> ResponseReturnValue:
    """Store whether downloaded files contain metadata."""
    wanted = request.form.get("words") == "1"
    response = redirect(url_for("web.account", done="files"), 303)
    user = auth.current_user()
    if user is None:
        set_preference_cookie(response, COOKIE, "on" if wanted else "off")  # type: ignore[arg-type]
    else:
        users.set_preferences(g.principal, user.id, plain_files=not wanted)
    return response
