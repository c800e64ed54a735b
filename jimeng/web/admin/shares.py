"""Shares of all users: list them, and end them."""

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.operations import shares as operations
from jimeng.web.admin import bp
from jimeng.web.gallery.shares import public_url


@bp.get("/shares")
def shares() -> str:
    """The shares of all users, newest first."""
    return render_template(
        "admin/shares.html",
        page=operations.page(g.principal, request.args.get("cursor") or None),
        page_of=public_url,
        is_gone=request.args.get("done") == "ended",
    )


@bp.post("/shares/<share_id>/end")
def end_share(share_id: str) -> ResponseReturnValue:
    """End a share: its link stops working."""
    operations.end(g.principal, share_id)
    return redirect(url_for(".shares", done="ended"), 303)
