"""What is done to many pictures at once: favourites, trash, and archives."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.gallery import browsing, bulk_trash, picture_details
from jimeng.gallery import trash as trash_room
from jimeng.gallery.downloads import SelectionTooLarge
from jimeng.http import auth
from jimeng.web import bp, is_htmx
from jimeng.web.gallery.filters import Filters
from jimeng.web.site.formats import zone
from jimeng.web.site.preferences import own_path

PICTURE_ID = re.compile(r"[0-9a-zA-Z_]{1,80}")
SEPARATOR = "-"  # which addresses leave as it is
MAX_SELECTED = 1000  # pictures in one form
# What an address says of what was just done.
NEWS = ("done", "n", "batch", "put", "left", "taken")
MAX_URL_CHARS = 3000  # characters of an address: servers take some 4,000


def selected(most: int | None = MAX_SELECTED) -> list[str]:
    """
    The ids that came with the form; what cannot be one is left out.

    Raises:
        SelectionTooLarge: there are more than *most*.
    """
    given = dict.fromkeys(request.form.getlist("id"))
    if most is not None and len(given) > most:
        raise SelectionTooLarge(f"{len(given)} pictures", limit=most)
    return [each for each in given if PICTURE_ID.fullmatch(each)]


def back(done: str, n: int, **more: str | int) -> ResponseReturnValue:
    """
    To the page that the form stood on. The gallery and the pages of pictures tell what
    was done; others have their own ways.
    """
    target = own_path(request.form.get("next") or url_for(".gallery"))
    parts = urlsplit(target)
    of_picture = url_for(".picture", picture_id="")
    if parts.path == url_for(".gallery") or parts.path.startswith(of_picture):
        kept = [(k, v) for k, v in parse_qsl(parts.query) if k not in NEWS]
        query = urlencode([*kept, ("done", done), ("n", n), *more.items()])
        target = f"{parts.path}?{query}"
    return redirect(target, 303)


def as_one(ids: list[str]) -> str:
    """Ids as one word of an address; empty where they are too many for it."""
    joined = SEPARATOR.join(ids)
    return joined if len(joined) <= MAX_URL_CHARS else ""


def apart(word: str) -> list[str]:
    """The ids of `as_one`; what cannot be one is left out."""
    return [each for each in word.split(SEPARATOR) if PICTURE_ID.fullmatch(each)]


@bp.post("/pictures/favourite")
def favourite_many() -> ResponseReturnValue:
    """Make all of these favourites, or favourites no more."""
    principal, ids = auth.principal_of_page(), selected()
    wanted = request.form.get("on") == "1"
    changed = picture_details.set_favourite(principal, ids, wanted)
    done = "starred" if wanted else "unstarred"
    if not is_htmx():
        return back(done, changed)
    images = browsing.pictures_of(principal, ids)
    return render_template("gallery/_starred.html", images=images, done=done, n=changed)


@bp.post("/pictures/trash")
def trash() -> ResponseReturnValue:
    """Put all of these into the trash, and offer to take them out again."""
    principal, ids = auth.principal_of_page(), selected()
    batch = trash_room.trash_together(principal, ids)
    if not is_htmx():
        return back("trashed", batch.count, batch=batch.milliseconds)
    came_from = urlsplit(own_path(request.form.get("next", "")))
    shown = Filters.read(dict(parse_qsl(came_from.query)))
    return render_template(
        "gallery/_gone.html",
        ids=ids,
        done="trashed",
        n=batch.count,
        batch=batch.milliseconds,
        hits=browsing.hits(principal, shown.wanted(zone())),
    )


@bp.post("/pictures/restore")
def restore() -> ResponseReturnValue:
    """Bring pictures back: those named, or all that went in one go."""
    principal, ids = auth.principal_of_page(), selected()
    batch = request.form.get("batch", type=int)
    restored = trash_room.restore_pictures(principal, ids) if ids else 0
    if batch is not None:
        restored += bulk_trash.restore_together(principal, batch)
    if not is_htmx():
        return back("restored", restored)
    return render_template("gallery/_gone.html", ids=ids, done="restored", n=restored)


@bp.post("/pictures/purge")
def purge() -> ResponseReturnValue:
    """Remove pictures that are in the trash for good."""
    ids = selected()
    purged = trash_room.purge_pictures(auth.principal_of_page(), ids)
    if not is_htmx():
        return back("purged", purged)
    return render_template("gallery/_gone.html", ids=ids, done="purged", n=purged)
