"""What is done to many pictures at once: favourites, trash, and archives."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, tasks
from jimeng.tasks.archive import SelectionTooLarge
from jimeng.web import bp, is_htmx
from jimeng.web.filters import Filters
from jimeng.web.preferences import own_path
from jimeng.web.times import zone

PICTURE_ID = re.compile(r"[0-9a-zA-Z_]{1,80}")
SEPARATOR = "-"  # which addresses leave as it is
MOST = 1000  # pictures in one form
# What an address says of what was just done.
NEWS = ("done", "n", "batch", "put", "left", "taken")
LONGEST = 3000  # characters of an address: servers take some 4,000


def selected(most: int | None = MOST) -> list[str]:
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
    return joined if len(joined) <= LONGEST else ""


def apart(word: str) -> list[str]:
    """The ids of `as_one`; what cannot be one is left out."""
    return [each for each in word.split(SEPARATOR) if PICTURE_ID.fullmatch(each)]


@bp.post("/pictures/favourite")
def favourite_many() -> ResponseReturnValue:
    """Make all of these favourites, or favourites no more."""
    viewer, ids = auth.viewer_of_page(), selected()
    wanted = request.form.get("on") == "1"
    changed = tasks.set_favourite(viewer, ids, wanted)
    done = "starred" if wanted else "unstarred"
    if not is_htmx():
        return back(done, changed)
    images = tasks.pictures_of(viewer, ids)
    return render_template("gallery/_starred.html", images=images, done=done, n=changed)


@bp.post("/pictures/trash")
def trash() -> ResponseReturnValue:
    """Put all of these into the trash, and offer to take them out again."""
    viewer, ids = auth.viewer_of_page(), selected()
    batch = tasks.trash_together(viewer, ids)
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
        hits=tasks.hits(viewer, shown.wanted(zone())),
    )


@bp.post("/pictures/restore")
def restore() -> ResponseReturnValue:
    """Bring pictures back: those named, or all that went in one go."""
    viewer, ids = auth.viewer_of_page(), selected()
    batch = request.form.get("batch", type=int)
    restored = tasks.restore_pictures(viewer, ids) if ids else 0
    if batch is not None:
        restored += tasks.restore_together(viewer, batch)
    if not is_htmx():
        return back("restored", restored)
    return render_template("gallery/_gone.html", ids=ids, done="restored", n=restored)


@bp.post("/pictures/purge")
def purge() -> ResponseReturnValue:
    """Remove pictures that are in the trash for good."""
    ids = selected()
    purged = tasks.purge_pictures(auth.viewer_of_page(), ids)
    if not is_htmx():
        return back("purged", purged)
    return render_template("gallery/_gone.html", ids=ids, done="purged", n=purged)
