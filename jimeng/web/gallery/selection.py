"""Actions on selected pictures: favourites, trash, restore, and purge."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.gallery import browsing, bulk_trash, picture_details
from jimeng.gallery import trash as gallery_trash
from jimeng.gallery.downloads import NothingSelected, SelectionTooLarge
from jimeng.web import bp, is_htmx
from jimeng.web.gallery.filters import Filters
from jimeng.web.site.formats import zone
from jimeng.web.site.preferences import own_path

PICTURE_ID = re.compile(r"[0-9a-zA-Z_]{1,80}")
SEPARATOR = "-"  # not escaped in URLs
MAX_SELECTED = 1000  # pictures in one form
# Query parameters of a notice.
NOTICE = ("done", "n", "batch", "put", "left", "taken")
MAX_URL_CHARS = 3000  # servers accept some 4,000


def selected_ids(most: int | None = MAX_SELECTED) -> list[str]:
    """
    The picture ids of the form; malformed ones are ignored.

    Raises:
        SelectionTooLarge: there are more than *most*.
    """
    ids = dict.fromkeys(request.form.getlist("id"))
    if most is not None and len(ids) > most:
        raise SelectionTooLarge(f"{len(ids)} pictures", limit=most)
    return [each for each in ids if PICTURE_ID.fullmatch(each)]


def redirect_back(done: str, n: int, **more: str | int) -> ResponseReturnValue:
    """
    Redirect to the page of the form. The gallery and the pages of pictures show a
    notice of what was done.
    """
    target = own_path(request.form.get("next") or url_for(".gallery"))
    parts = urlsplit(target)
    of_picture = url_for(".picture", picture_id="")
    if parts.path == url_for(".gallery") or parts.path.startswith(of_picture):
        others = [(k, v) for k, v in parse_qsl(parts.query) if k not in NOTICE]
        query = urlencode([*others, ("done", done), ("n", n), *more.items()])
        target = f"{parts.path}?{query}"
    return redirect(target, 303)


def join_ids(ids: list[str]) -> str:
    """Join ids for a query parameter; empty if they would not fit into a URL."""
    joined = SEPARATOR.join(ids)
    return joined if len(joined) <= MAX_URL_CHARS else ""


def split_ids(word: str) -> list[str]:
    """Split the ids of `join_ids`; malformed ones are ignored."""
    return [each for each in word.split(SEPARATOR) if PICTURE_ID.fullmatch(each)]


@bp.post("/pictures/favourite")
def favourite_many() -> ResponseReturnValue:
    """Mark or unmark the selected pictures as favourites."""
    principal, ids = g.principal, selected_ids()
    wanted = request.form.get("on") == "1"
    changed = picture_details.set_favourite(principal, ids, wanted)
    done = "starred" if wanted else "unstarred"
    if not is_htmx():
        return redirect_back(done, changed)
    images = browsing.pictures_of(principal, ids)
    return render_template("gallery/_starred.html", images=images, done=done, n=changed)


@bp.post("/pictures/compare")
def compare() -> ResponseReturnValue:
    """Redirect to the first of the selected pictures, compared with the second."""
    images = browsing.pictures_of(g.principal, selected_ids())
    if not images:
        raise NothingSelected("no pictures to compare")
    among = filters_of_form()
    other = {"with": images[1].id} if len(images) > 1 else {}
    return redirect(among.picture_url(images[0].id, **other), 303)


def filters_of_form() -> Filters:
    """The filters of the page that sent the form."""
    came_from = urlsplit(own_path(request.form.get("next", "")))
    return Filters.read(dict(parse_qsl(came_from.query)))


@bp.post("/pictures/trash")
def trash() -> ResponseReturnValue:
    """Move the selected pictures to the trash, and offer undo."""
    principal, ids = g.principal, selected_ids()
    batch = gallery_trash.trash_together(principal, ids)
    if not is_htmx():
        return redirect_back("trashed", batch.count, batch=batch.milliseconds)
    return render_template(
        "gallery/_gone.html",
        ids=ids,
        done="trashed",
        n=batch.count,
        batch=batch.milliseconds,
        hits=browsing.hits(principal, filters_of_form().wanted(zone())),
    )


@bp.post("/pictures/restore")
def restore() -> ResponseReturnValue:
    """Restore the named pictures, or all that were deleted together."""
    principal, ids = g.principal, selected_ids()
    batch = request.form.get("batch", type=int)
    restored = gallery_trash.restore_pictures(principal, ids) if ids else 0
    if batch is not None:
        restored += bulk_trash.restore_together(principal, batch)
    if not is_htmx():
        return redirect_back("restored", restored)
    return render_template("gallery/_gone.html", ids=ids, done="restored", n=restored)


@bp.post("/pictures/purge")
def purge() -> ResponseReturnValue:
    """Delete pictures in the trash permanently."""
    ids = selected_ids()
    purged = gallery_trash.purge_pictures(g.principal, ids)
    if not is_htmx():
        return redirect_back("purged", purged)
    return render_template("gallery/_gone.html", ids=ids, done="purged", n=purged)
