"""Collections: the list of them, and the page of each with its name and its end."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, collections, sharing
from jimeng.documents import Collection
from jimeng.i18n import problems
from jimeng.viewers import Viewer
from jimeng.web import bp, refused
from jimeng.web.collecting import REFUSALS
from jimeng.web.filters import Filters
from jimeng.web.gallery import keeping

PAGE = 48  # collections: each costs two looks


@bp.get("/collections")
def all_collections() -> str:
    """All collections with their covers, those that were put into last first."""
    viewer = auth.viewer_of_page()
    return listed(viewer, {})


def listed(viewer: Viewer, errors: dict[str, list[str]]) -> str:
    page = collections.page(
        viewer, viewer.user_id, cursor=request.args.get("cursor"), limit=PAGE
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
    viewer = auth.viewer_of_page()
    try:
        made = collections.create(viewer, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(listed(viewer, problems(error)), error)
    return redirect(gallery_of(made, "made"), 303)


def gallery_of(collection: Collection, done: str) -> str:
    """The gallery with what is in it, and the news."""
    return Filters(collection=collection.id).url(done=done, n=0, put=collection.id)


@bp.get("/collections/<collection_id>")
def collection(collection_id: str) -> str:
    """Its name, to be changed, and how to delete it."""
    viewer = auth.viewer_of_page()
    return shown(viewer, collections.find(viewer, collection_id), {})


def shown(viewer: Viewer, found: Collection, errors: dict[str, list[str]]) -> str:
    return render_template(
        "collections/show.html",
        collection=found,
        share=sharing.of_target(viewer, found.id),
        keeping=keeping(),
        errors=errors,
    )


@bp.post("/collections/<collection_id>/rename")
def rename_collection(collection_id: str) -> ResponseReturnValue:
    """Give it another name."""
    viewer = auth.viewer_of_page()
    found = collections.find(viewer, collection_id)
    try:
        found = collections.rename(viewer, found.id, request.form.get("name", ""))
    except REFUSALS as error:
        return refused(shown(viewer, found, problems(error)), error)
    return redirect(gallery_of(found, "renamed"), 303)


@bp.post("/collections/<collection_id>/delete")
def delete_collection(collection_id: str) -> ResponseReturnValue:
    """Delete it; the pictures stay."""
    collections.delete(auth.viewer_of_page(), collection_id)
    return redirect(url_for(".all_collections", done="dissolved"), 303)
