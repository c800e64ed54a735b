"""Pictures are put into collections, and taken out: from wherever they are shown."""

from urllib.parse import parse_qsl, urlsplit

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, collections, tasks
from jimeng.collections import Change
from jimeng.documents import Collection, Image
from jimeng.errors import Invalid
from jimeng.errors.kept import (
    CollectionFull,
    CollectionNameTaken,
    CollectionNotFound,
    TooManyCollections,
)
from jimeng.i18n import problems
from jimeng.tasks.archive import NothingSelected
from jimeng.viewers import Viewer
from jimeng.web import bp, is_htmx, refused
from jimeng.web.filters import Filters
from jimeng.web.preferences import own_path, page_shown
from jimeng.web.selection import PICTURE_ID, as_one, back, selected
from jimeng.web.times import zone

REFUSALS = (
    Invalid,
    CollectionNotFound,  # deleted since the choice was shown
    CollectionNameTaken,
    TooManyCollections,
    CollectionFull,
)
# Where a refusal goes that came to a dialog over the page.
TO_DIALOG = {
    "HX-Retarget": "#collect",
    "HX-Reselect": "#choose",
    "HX-Reswap": "innerHTML",
}


def pictures_meant(viewer: Viewer) -> list[Image]:
    """
    The viewer's own pictures that the form or the address names, by themselves or as
    all of a task.

    Raises:
        NothingSelected: there is none.
        TaskNotFound: no such task, or somebody else's.
    """
    ids = selected() or [
        each for each in request.args.getlist("id") if PICTURE_ID.fullmatch(each)
    ]
    if task_id := request.args.get("task"):
        task = tasks.find(viewer, task_id)
        ids += [image.id for image in tasks.view(viewer, task).images]
    images = tasks.pictures_of(viewer, ids) if ids else []
    mine = [image for image in images if image.user_id == viewer.user_id]
    if not mine:
        raise NothingSelected("no pictures for a collection")
    return mine


@bp.route("/collections/choose", methods=["GET", "POST"])
def choose_collection() -> ResponseReturnValue:
    """Which collection the pictures are to be put into, or taken out of."""
    viewer = auth.viewer_of_page()
    return choice(viewer, pictures_meant(viewer))


def came_from() -> str:
    """The page that the pictures stand on: over which a dialog opens, or that asked."""
    given = request.values.get("next")
    if given is None and is_htmx():
        return page_shown()
    return own_path(given or url_for(".gallery"))


def choice(
    viewer: Viewer, images: list[Image], errors: dict[str, list[str]] | None = None
) -> str:
    """The page for that, or, over the page where a script asks, the dialog."""
    known = collections.find_all(viewer)
    ids = [image.id for image in images]
    name = "_choose.html" if is_htmx() else "choose.html"
    return render_template(
        f"collections/{name}",
        images=images,
        ids=ids,
        collections=known,
        inside=collections.containing(viewer, known, ids),
        next=came_from(),
        is_plain="plain" in request.values,
        errors=errors or {},
    )


@bp.post("/collections/put")
def collect() -> ResponseReturnValue:
    """Put pictures into a collection, which may be a new one, or take them out."""
    viewer = auth.viewer_of_page()
    images = pictures_meant(viewer)
    take = request.form.get("take")
    # Which these are nobody could tell afterwards.
    out = [image.id for image in images if take in image.collections]
    try:
        collection, change = put(viewer, [image.id for image in images])
    except REFUSALS as error:
        page = choice(viewer, images, problems(error))
        return refused(page, error, TO_DIALOG if is_htmx() else None)
    done, n = "uncollected" if take else "collected", change.added + change.removed
    if not is_htmx():
        more = {"taken": as_one(out)} if out else {}
        return back(done, n, put=collection.id, left=change.left_out, **more)
    shown = Filters.read(dict(parse_qsl(urlsplit(came_from()).query)))
    is_here = bool(take) and shown.collection == collection.id
    return render_template(
        "collections/_put.html",
        done=done,
        n=n,
        left=change.left_out,
        about=collection,
        taken=out,
        ids=[image.id for image in images] if is_here else [],
        hits=tasks.hits(viewer, shown.wanted(zone())) if is_here else None,
    )


def put(viewer: Viewer, ids: list[str]) -> tuple[Collection, Change]:
    """
    Do what the pressed button says.

    Raises:
        JimengError: as `collections.create`, `find` and `change`.
    """
    if take := request.form.get("take"):
        found = collections.find(viewer, take)
        return found, collections.change(viewer, found.id, remove=ids)
    if into := request.form.get("collection"):
        found = collections.find(viewer, into)
    else:
        found = collections.create(viewer, request.form.get("name", ""))
    return found, collections.change(viewer, found.id, add=ids)
