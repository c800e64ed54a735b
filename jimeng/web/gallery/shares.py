"""The user's shares: the list, and the settings of each."""

from datetime import datetime, timedelta

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.documents import Collection, Image, Share, utcnow
from jimeng.documents.collection import PREFIX
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.collections import TooManyShares
from jimeng.gallery import collections, picture_details
from jimeng.gallery import shares as sharing
from jimeng.http.responses import absolute
from jimeng.i18n import problems
from jimeng.web import bp, refused

LIFETIMES_DAYS = ("1", "7", "30")
DONE = frozenset({"begun", "saved", "replaced"})
PAGE = 50  # shares


def public_url(share: Share) -> str:
    """The public link of a share."""
    return absolute(url_for("web.shared", token=share.token))


def share_target(
    principal: Principal, share_id: str
) -> tuple[Collection | None, Image | None]:
    """
    Find the target of a share: a collection with its newest picture, or a picture.

    Raises:
        CollectionNotFound: the collection is gone or another user's.
        ImageNotFound: so is the picture.
    """
    if not share_id.startswith(PREFIX):
        return None, picture_details.find_picture(principal, share_id)
    found = collections.find(principal, share_id)
    return found, collections.overview_of(found).cover


@bp.get("/shares")
def shares() -> str:
    """The user's shares, newest first."""
    page = sharing.page(g.principal, cursor=request.args.get("cursor"), limit=PAGE)
    return render_template(
        "sharing/list.html",
        page=page,
        page_of=public_url,
        is_gone=request.args.get("done") == "ended",
    )


@bp.get("/shares/<share_id>")
def share(share_id: str) -> str:
    """The settings of a share, or the form that creates it."""
    return settings_page(g.principal, share_id, {})


def settings_page(
    principal: Principal, share_id: str, errors: dict[str, list[str]]
) -> str:
    found, done = sharing.of_target(principal, share_id), request.args.get("done")
    collection, image = share_target(principal, share_id)
    return render_template(
        "sharing/edit.html",
        share_id=share_id,
        share=found,
        link=public_url(found) if found else "",
        ended=bool(found and found.has_ended(utcnow())),
        collection=collection,
        image=image,
        days=LIFETIMES_DAYS,
        done=done if done in DONE and found else None,
        errors=errors,
    )


@bp.post("/shares/<share_id>")
def save_share(share_id: str) -> ResponseReturnValue:
    """Create the share, or change its settings."""
    principal, form = g.principal, request.form
    share_target(principal, share_id)
    is_new = sharing.of_target(principal, share_id) is None
    wanted = {"title": form.get("title", ""), "prompts": form.get("prompts") == "1"}
    until = form.get("until", "")
    try:
        if until != "keep":
            wanted["expires_at"] = expiry_of(until)
        sharing.share_or_update(principal, share_id, **wanted)
    except (Invalid, TooManyShares) as error:
        return refused(settings_page(principal, share_id, problems(error)), error)
    return redirect_to_share(share_id, "begun" if is_new else "saved")


def expiry_of(until: str) -> datetime | None:
    """When a share of this lifetime ends; None for no limit."""
    return utcnow() + timedelta(days=int(until)) if until in LIFETIMES_DAYS else None


def redirect_to_share(share_id: str, done: str) -> ResponseReturnValue:
    return redirect(url_for(".share", share_id=share_id, done=done), 303)


@bp.post("/shares/<share_id>/replace")
def replace_share(share_id: str) -> ResponseReturnValue:
    """Replace the link; the old one stops working."""
    sharing.replace_link(g.principal, share_id)
    return redirect_to_share(share_id, "replaced")


@bp.post("/shares/<share_id>/end")
def end_share(share_id: str) -> ResponseReturnValue:
    """Stop sharing it."""
    sharing.revoke(g.principal, share_id)
    return redirect(url_for(".shares", done="ended"), 303)
