"""Tag pictures: a dialog over the page, or a page of its own."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import tags
from jimeng.i18n import reasons, t
from jimeng.web import bp, is_htmx, refused
from jimeng.web.gallery.collections import TO_DIALOG, choose_page, selected_pictures
from jimeng.web.gallery.selection import redirect_back


@bp.route("/tags/choose", methods=["GET", "POST"])
def choose_tags() -> ResponseReturnValue:
    """Choose the tags to add to the pictures or to remove from them."""
    return tag_page(g.principal, selected_pictures(g.principal))


def tag_page(principal: Principal, images: list[Image], error: str = "") -> str:
    n = len(images)
    return choose_page(
        "tags/_options.html",
        t("tags.title_one") if n == 1 else t("tags.title_n", n=n),
        images,
        used=tags.tags_used(principal),
        inside=tags.counts_of(images),
        error=error,
    )


@bp.post("/tags/put")
def tag_pictures() -> ResponseReturnValue:
    """Add a tag to pictures, or remove it, as the pressed button says."""
    principal = g.principal
    images, removed = selected_pictures(principal), request.form.get("remove")
    tag = request.form.get("tag", "") if removed is None else removed
    ids = [image.id for image in images]
    try:
        n = tags.change_tags(principal, ids, tag, removed is None)
    except Invalid as error:
        page = tag_page(principal, images, " ".join(reasons(error)))
        return refused(page, error, TO_DIALOG if is_htmx() else None)
    done = "tagged" if removed is None else "untagged"
    if not is_htmx():
        return redirect_back(done, n)
    return render_template("tags/_done.html", done=done, n=n)
