"""What one shares: the list, and how a collection or a picture is shared."""

from datetime import datetime, timedelta

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.documents import Collection, Image, Share, utcnow
from jimeng.documents.collection import PREFIX
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.collections import TooManyShares
from jimeng.gallery import collections, picture_details
from jimeng.gallery import shares as sharing
from jimeng.http import auth
from jimeng.http.responses import absolute
from jimeng.i18n import problems
from jimeng.web import bp, refused

DAYS = ("1", "7", "30")  # after which a share may end
DONE = frozenset({"begun", "saved", "replaced"})
PAGE = 50  # shares


def page_of(share: Share) -> str:
    """The link that is given to others."""
    return absolute(url_for("web.shared", token=share.token))


def shown_by(
    principal: Principal, share_id: str
) -> tuple[Collection | None, Image | None]:
    """
    What is shared, or is to be: a collection with its newest picture, or a picture.

    Raises:
        CollectionNotFound: it is gone or another's, and so is ImageNotFound.
    """
    if not share_id.startswith(PREFIX):
        return None, picture_details.find_picture(principal, share_id)
    found = collections.find(principal, share_id)
    return found, collections.overview_of(found).cover


@bp.get("/shares")
def shares() -> str:
    """All that one shares, newest first."""
    page = sharing.page(
        auth.principal_of_page(), cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template(
        "sharing/list.html",
        page=page,
        page_of=page_of,
        is_gone=request.args.get("done") == "ended",
    )


@bp.get("/shares/<share_id>")
def share(share_id: str) -> str:
    """How a collection or a picture is shared, if it is."""
    return edited(auth.principal_of_page(), share_id, {})


def edited(principal: Principal, share_id: str, errors: dict[str, list[str]]) -> str:
    found, done = sharing.of_target(principal, share_id), request.args.get("done")
    collection, image = shown_by(principal, share_id)
    return render_template(
        "sharing/edit.html",
        share_id=share_id,
        share=found,
        link=page_of(found) if found else "",
        ended=bool(found and found.has_ended(utcnow())),
        collection=collection,
        image=image,
        days=DAYS,
        done=done if done in DONE and found else None,
        errors=errors,
    )


@bp.post("/shares/<share_id>")
def save_share(share_id: str) -> ResponseReturnValue:
    """Share it, or change how; then its link can be copied."""
    principal, form = auth.principal_of_page(), request.form
    shown_by(principal, share_id)
    is_new = sharing.of_target(principal, share_id) is None
    wanted = {"title": form.get("title", ""), "prompts": form.get("prompts") == "1"}
    until = form.get("until", "")
    try:
        if until != "keep":
            wanted["expires_at"] = end_of(until)
        sharing.share_or_update(principal, share_id, **wanted)
    except (Invalid, TooManyShares) as error:
        return refused(edited(principal, share_id, problems(error)), error)
    return to(share_id, "begun" if is_new else "saved")


def end_of(until: str) -> datetime | None:
    """When a share ends that was begun now; None for what is no number of days."""
    return utcnow() + timedelta(days=int(until)) if until in DAYS else None


def to(share_id: str, done: str) -> ResponseReturnValue:
    return redirect(url_for(".share", share_id=share_id, done=done), 303)


@bp.post("/shares/<share_id>/replace")
def replace_share(share_id: str) -> ResponseReturnValue:
    """Give it a new link; the old one is dead."""
    sharing.replace_link(auth.principal_of_page(), share_id)
    return to(share_id, "replaced")


@bp.post("/shares/<share_id>/end")
def end_share(share_id: str) -> ResponseReturnValue:
    """Stop sharing it."""
    sharing.revoke(auth.principal_of_page(), share_id)
    return redirect(url_for(".shares", done="ended"), 303)
