"""Pictures to take away: chosen ones, or everything, as a zip archive."""

from flask import Response
from flask.typing import ResponseReturnValue

from jimeng import auth, tasks
from jimeng.http.answers import saved_as
from jimeng.i18n import t
from jimeng.web import bp
from jimeng.web.downloads import Download
from jimeng.web.selection import selected
from jimeng.web.words_in_files import are_wanted
from jimeng.web.zones import today, zone


@bp.post("/pictures/zip")
def archive() -> ResponseReturnValue:
    """The chosen pictures; whatever is wrong is said before the first byte."""
    viewer = auth.viewer_of_page()
    images = tasks.chosen(viewer, selected())
    name = t("archive.name", n=len(images), day=today(zone()))
    pieces = tasks.pack(images, zone(), reader=viewer if are_wanted() else None)
    return send(Download(viewer, pieces), name)


@bp.get("/account/export")
def export() -> ResponseReturnValue:
    """All pictures, and a record of all tasks."""
    viewer = auth.viewer_of_page()
    pieces = Download(viewer, tasks.export(viewer, zone(), with_words=are_wanted()))
    return send(pieces, t("archive.all", day=today(zone())))


def send(pieces: Download, name: str) -> Response:
    """Pass the pieces on as they come; nobody knows before how many there will be."""
    response = Response(pieces, content_type="application/zip")
    response.call_on_close(pieces.close)
    named = saved_as(f"jimeng-{today(zone())}.zip", f"{name}.zip")
    response.headers["Content-Disposition"] = named
    response.headers["Cache-Control"] = "no-store"
    return response
