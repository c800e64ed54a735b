"""Collections: their list, their pages, and adding or removing pictures."""

from urllib.parse import parse_qsl, urlsplit

from flask import g, redirect, render_template, request, url_for
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
from jimeng.i18n import problems, t
from jimeng.web import bp, is_htmx, refused
from jimeng.web.gallery.browsing import retention
from jimeng.web.gallery.filters import Filters
from jimeng.web.gallery.selection import (
    PICTURE_ID,
    join_ids,
    redirect_back,
    selected_ids,
)
from jimeng.web.site.formats import zone
from jimeng.web.site.preferences import own_path, page_shown

REFUSALS = (
    Invalid,
    CollectionNotFound,  # deleted since the choice was shown
    CollectionNameTaken,
    TooManyCollections,
    CollectionFull,
)
# Where htmx swaps an error that answers a form in a dialog.
TO_DIALOG = {
    "HX-Retarget": "#collect",
    "HX-Reselect": "#choose",
    "HX-Reswap": "innerHTML",
}


def selected_pictures(principal: Principal) -> list[Image]:
    """
    The user's own pictures that the form or the query names, by id or as those of a
    task.

    Raises:
        NothingSelected: there is none.
        TaskNotFound: no such task, or another user's.
    """
    ids = selected_ids() or [
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
    """Choose the collection to add the pictures to or remove them from."""
    return choice_page(g.principal, selected_pictures(g.principal))


def return_path() -> str:
    """The page with the pictures: below the dialog, or the one that sent the form."""
    next_url = request.values.get("next")
    if next_url is None and is_htmx():
        return page_shown()
    return own_path(next_url or url_for(".gallery"))


def choice_page(
    principal: Principal,
    images: list[Image],
    errors: dict[str, list[str]] | None = None,
) -> str:
    known, n = collections.find_all(principal), len(images)
    ids = [image.id for image in images]
    return choose_page(
        "collections/_options.html",
        t("collections.add_one") if n == 1 else t("collections.add_n", n=n),
        images,
        collections=known,
        inside=collections.containing(principal, known, ids),
        errors=errors or {},
    )


def choose_page(
    options: str, heading: str, images: list[Image], **values: object
) -> str:
    """
    Render a choice for pictures: a page, or a dialog for htmx.

    Args:
        options: The template of the choice.
        values: What it needs besides the pictures.
    """
    name = "_choose.html" if is_htmx() else "choose.html"
    return render_template(
        f"gallery/{name}",
        options=options,
        heading=heading,
        images=images,
        ids=[image.id for image in images],
        next=return_path(),
        is_plain="plain" in request.values,
        **values,
    )


@bp.post("/collections/put")
def collect() -> ResponseReturnValue:
    """Add pictures to a collection, which may be a new one, or remove them."""
    principal = g.principal
    images = selected_pictures(principal)
    take = request.form.get("take")
    # For undo; afterwards this can no longer be determined.
    out = [image.id for image in images if take in image.collections]
    try:
        collection, change = put(principal, [image.id for image in images])
    except REFUSALS as error:
        page = choice_page(principal, images, problems(error))
        return refused(page, error, TO_DIALOG if is_htmx() else None)
    done, n = "uncollected" if take else "collected", change.added + change.removed
    if not is_htmx():
        more = {"taken": join_ids(out)} if out else {}
        return redirect_back(done, n, put=collection.id, left=change.left_out, **more)
    shown = Filters.read(dict(parse_qsl(urlsplit(return_path()).query)))
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
    Add or remove the pictures, as the pressed button says.

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


PAGE = 48  # collections: each costs two queries


@bp.get("/collections")
def all_collections() -> str:
    """All collections with their covers, last changed first."""
    return list_page(g.principal, {})


def list_page(principal: Principal, errors: dict[str, list[str]]) -> str:
    page = collections.page(
        principal, principal.user_id, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template(
        "collections/index.html",
        overviews=collections.overview(page.rows),
        next_cursor=page.next_cursor,
        is_gone=request.args.get("done") == "dissolved",
        keeping=retention(),
        errors=errors,
    )


@bp.post("/collections")
def create_collection() -> ResponseReturnValue:
    """Create an empty collection, and show it."""
    try:
        new = collections.create(g.principal, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(list_page(g.principal, problems(error)), error)
    return redirect(gallery_url(new, "made"), 303)


def gallery_url(collection: Collection, done: str) -> str:
    """The URL of the collection in the gallery, with a notice."""
    return Filters(collection=collection.id).url(done=done, n=0, put=collection.id)


@bp.get("/collections/<collection_id>")
def collection(collection_id: str) -> str:
    """The settings of a collection: rename and delete it."""
    return settings_page(g.principal, collections.find(g.principal, collection_id), {})


def settings_page(
    principal: Principal, found: Collection, errors: dict[str, list[str]]
) -> str:
    return render_template(
        "collections/show.html",
        collection=found,
        share=shares.of_target(principal, found.id),
        keeping=retention(),
        errors=errors,
    )


@bp.post("/collections/<collection_id>/rename")
def rename_collection(collection_id: str) -> ResponseReturnValue:
    """Rename it."""
    principal = g.principal
    found = collections.find(principal, collection_id)
    try:
        found = collections.rename(principal, found.id, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(settings_page(principal, found, problems(error)), error)
    return redirect(gallery_url(found, "renamed"), 303)


@bp.post("/collections/<collection_id>/delete")
def delete_collection(collection_id: str) -> ResponseReturnValue:
    """Delete it; its pictures are not deleted."""
    collections.delete(g.principal, collection_id)
    return redirect(url_for(".all_collections", done="dissolved"), 303)
