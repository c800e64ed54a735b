"""
Pictures to take away: chosen ones, or everything, as a zip archive; and whether the
files say what they were made of, which is so unless switched off.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.accounts import data_export, users
from jimeng.documents.principal import Principal
from jimeng.errors import JimengError, TooManyWaiting
from jimeng.gallery import downloads
from jimeng.http import auth
from jimeng.http.long_polls import Permits
from jimeng.http.responses import content_disposition
from jimeng.i18n import t
from jimeng.web import bp
from jimeng.web.gallery.selection import selected
from jimeng.web.site.formats import today, zone
from jimeng.web.site.preferences import keep

COOKIE = "words"  # of those without a name here
# Each archive has a thread for as long as it is sent, which is for its client and the
# database to say. A proxy that buffers makes that short, and does not keep anybody from
# asking for many at once.
MAX_OF_ONE = 2  # a browser that goes on with a broken one has two for a moment
MAX_DOWNLOADS = 6  # of a process's threads
RETRY_AFTER_S = 10  # seconds that a client is told to wait

_places = Permits(MAX_DOWNLOADS, MAX_OF_ONE, "archives")


class TooManyDownloads(JimengError):
    """As many archives as there may be are being sent."""

    code = "too_many_downloads"
    status = 429


@bp.post("/pictures/zip")
def archive() -> ResponseReturnValue:
    """The chosen pictures; whatever is wrong is said before the first byte."""
    principal = auth.principal_of_page()
    images = downloads.chosen(
        principal, selected(most=None)
    )  # it has a bound of its own
    name = t("archive.name", n=len(images), day=today(zone()))
    pieces = downloads.pack(images, zone(), reader=principal if are_wanted() else None)
    return send(principal, pieces, name)


@bp.get("/account/export")
def export() -> ResponseReturnValue:
    """All pictures, and a record of all tasks."""
    principal = auth.principal_of_page()
    pieces = data_export.export(principal, zone(), with_words=are_wanted())
    return send(principal, pieces, t("archive.all", day=today(zone())))


def send(principal: Principal, pieces: Iterator[bytes], name: str) -> Response:
    """
    Pass the pieces on as they come; nobody knows before how many there will be.

    Raises:
        TooManyDownloads: no place is left, for this person or at all.
    """
    place = ExitStack()
    try:
        place.enter_context(_places.acquire(principal.person))
    except TooManyWaiting as error:
        limit = error.rate_limits[0].quota or MAX_DOWNLOADS
        raise TooManyDownloads(
            f"archives at once: {error}", retry_after=RETRY_AFTER_S, limit=limit
        ) from None

    def whole() -> Iterator[bytes]:
        with place:
            yield from pieces

    response = Response(whole(), content_type="application/zip")
    response.call_on_close(place.close)  # also where it was not read to its end
    named = content_disposition(f"jimeng-{today(zone())}.zip", f"{name}.zip")
    response.headers["Content-Disposition"] = named
    response.headers["Cache-Control"] = "no-store"
    return response


def are_wanted() -> bool:
    user = auth.current_user()
    if user is not None:
        return not user.plain_files
    return request.cookies.get(COOKIE) != "off"


@bp.post("/account/files")
def save_files() -> ResponseReturnValue:
    """Keep what downloaded files are to say."""
    principal = auth.principal_of_page()
    wanted = request.form.get("words") == "1"
    response = redirect(url_for("web.account", done="files"), 303)
    user = auth.current_user()
    if user is None:
        keep(response, COOKIE, "on" if wanted else "off")  # type: ignore[arg-type]
    else:
        users.set_preferences(principal, user.id, plain_files=not wanted)
    return response
