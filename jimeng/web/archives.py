"""
Pictures to take away: chosen ones, or everything, as a zip archive; and whether the
files say what they were made of, which is so unless switched off.
"""

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, tasks
from jimeng.accounts import users
from jimeng.http.answers import saved_as
from jimeng.i18n import t
from jimeng.web import bp
from jimeng.web.downloads import Download
from jimeng.web.preferences import keep
from jimeng.web.selection import selected
from jimeng.web.times import today, zone

COOKIE = "words"  # of those without a name here


@bp.post("/pictures/zip")
def archive() -> ResponseReturnValue:
    """The chosen pictures; whatever is wrong is said before the first byte."""
    viewer = auth.viewer_of_page()
    images = tasks.chosen(viewer, selected(most=None))  # it has a bound of its own
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


def are_wanted() -> bool:
    user = auth.current_user()
    if user is not None:
        return not user.plain_files
    return request.cookies.get(COOKIE) != "off"


@bp.post("/account/files")
def save_files() -> ResponseReturnValue:
    """Keep what downloaded files are to say."""
    viewer = auth.viewer_of_page()
    wanted = request.form.get("words") == "1"
    response = redirect(url_for("web.account", done="files"), 303)
    user = auth.current_user()
    if user is None:
        keep(response, COOKIE, "on" if wanted else "off")  # type: ignore[arg-type]
    else:
        users.set_preferences(viewer, user.id, plain_files=not wanted)
    return response
