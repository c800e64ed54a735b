"""Collections: the list, the page of each, adding and removing pictures."""

from urllib.parse import parse_qsl, urlsplit

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import tasks
from jimeng.documents import Collection, Image
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.collections import (
    CollectionFull,
    CollectionNameTaken,
    CollectionNotFound,
    TooManyCollections,
)
from jimeng.gallery import browsing, collections, shares
from jimeng.gallery.collections import Change
from jimeng.gallery.downloads import NothingSelected
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.web import bp, is_htmx, refused
from jimeng.web.gallery.browsing import keeping
from jimeng.web.gallery.filters import Filters
from jimeng.web.gallery.selection import PICTURE_ID, as_one, back, selected
from jimeng.web.site.formats import zone
from jimeng.web.site.preferences import own_path, page_shown

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


def pictures_meant(principal: Principal) -> list[Image]:
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
        task = tasks.find(principal, task_id)
        ids += [image.id for image in tasks.view(principal, task).images]
    images = browsing.pictures_of(principal, ids) if ids else []
    mine = [image for image in images if image.user_id == principal.user_id]
    if not mine:
        raise NothingSelected("no pictures for a collection")
    return mine


@bp.route("/collections/choose", methods=["GET", "POST"])
def choose_collection() -> ResponseReturnValue:
    """Which collection the pictures are to be put into, or taken out of."""
    principal = auth.principal_of_page()
    return choice(principal, pictures_meant(principal))


def came_from() -> str:
    """The page that the pictures stand on: over which a dialog opens, or that asked."""
    given = request.values.get("next")
    if given is None and is_htmx():
        return page_shown()
    return own_path(given or url_for(".gallery"))


def choice(
    principal: Principal,
    images: list[Image],
    errors: dict[str, list[str]] | None = None,
) -> str:
    """The page for that, or, over the page where a script asks, the dialog."""
    known = collections.find_all(principal)
    ids = [image.id for image in images]
    name = "_choose.html" if is_htmx() else "choose.html"
    return render_template(
        f"collections/{name}",
        images=images,
        ids=ids,
        collections=known,
        inside=collections.containing(principal, known, ids),
        next=came_from(),
        is_plain="plain" in request.values,
        errors=errors or {},
    )


@bp.post("/collections/put")
def collect() -> ResponseReturnValue:
    """Put pictures into a collection, which may be a new one, or take them out."""
    principal = auth.principal_of_page()
    images = pictures_meant(principal)
    take = request.form.get("take")
    # Which these are nobody could tell afterwards.
    out = [image.id for image in images if take in image.collections]
    try:
        collection, change = put(principal, [image.id for image in images])
    except REFUSALS as error:
        page = choice(principal, images, problems(error))
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
        hits=browsing.hits(principal, shown.wanted(zone())) if is_here else None,
    )


def put(principal: Principal, ids: list[str]) -> tuple[Collection, Change]:
    """
    Do what the pressed button says.

    Raises:
        JimengError: as `collections.create`, `find` and `change`.
    """
    if take := request.form.get("take"):
        found = collections.find(principal, take)
        return found, collections.change(principal, found.id, remove=ids)
    if into := request.form.get("collection"):
        found = collections.find(principal, into)
    else:
        found = collections.create(principal, request.form.get("name", ""))
    return found, collections.change(principal, found.id, add=ids)


PAGE = 48  # collections: each costs two looks


@bp.get("/collections")
def all_collections() -> str:
    """All collections with their covers, those that were put into last first."""
    principal = auth.principal_of_page()
    return listed(principal, {})


def listed(principal: Principal, errors: dict[str, list[str]]) -> str:
    page = collections.page(
        principal, principal.user_id, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template(
        "collections/index.html",
        overviews=collections.overview(page.rows),
        next_cursor=page.next_cursor,
        is_gone=request.args.get("done") == "dissolved",
        keeping=keeping(),
        errors=errors,
    )


@bp.post("/collections")
def create_collection() -> ResponseReturnValue:
    """Make a collection, and show it; it is empty."""
    principal = auth.principal_of_page()
    try:
        made = collections.create(principal, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(listed(principal, problems(error)), error)
    return redirect(gallery_of(made, "made"), 303)


def gallery_of(collection: Collection, done: str) -> str:
    """The gallery with what is in it, and the news."""
    return Filters(collection=collection.id).url(done=done, n=0, put=collection.id)


@bp.get("/collections/<collection_id>")
def collection(collection_id: str) -> str:
    """Its name, to be changed, and how to delete it."""
    principal = auth.principal_of_page()
    return shown(principal, collections.find(principal, collection_id), {})


def shown(principal: Principal, found: Collection, errors: dict[str, list[str]]) -> str:
    return render_template(
        "collections/show.html",
        collection=found,
        share=shares.of_target(principal, found.id),
        keeping=keeping(),
        errors=errors,
    )


@bp.post("/collections/<collection_id>/rename")
def rename_collection(collection_id: str) -> ResponseReturnValue:
    """Give it another name."""
    principal = auth.principal_of_page()
    found = collections.find(principal, collection_id)
    try:
        found = collections.rename(principal, found.id, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(shown(principal, found, problems(error)), error)
    return redirect(gallery_of(found, "renamed"), 303)


@bp.post("/collections/<collection_id>/delete")
def delete_collection(collection_id: str) -> ResponseReturnValue:
    """Delete it; the pictures stay."""
    collections.delete(auth.principal_of_page(), collection_id)
    return redirect(url_for(".all_collections", done="dissolved"), 303)
