"""Signing in and out, and taking up an invitation."""

from collections.abc import Sequence

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.documents import User, utcnow
from jimeng.errors import Invalid
from jimeng.errors.access import SignInBusy, SignInFailed, TooManyAttempts
from jimeng.http import auth
from jimeng.i18n import COOKIE, explain, reasons
from jimeng.web import bp, is_htmx, refused
from jimeng.web.create.defaults import CHOICES
from jimeng.web.create.initial import USED
from jimeng.web.site.preferences import THEME, keep, own_path, page_shown

MAX_EMAIL = 254  # characters
ENTERING = "sign-in"  # what a ticket is for


def lead() -> Response:
    """Where nobody asked for a page: on to the sign-in page, and from there back."""
    url = url_for(
        "web.sign_in",
        next=came_from(),
        ended="1" if auth.has_session_cookie() else None,
    )
    if auth.current_user():
        url = url_for("web.lacking_second_factor")
    if is_htmx():
        # A part of a page is swapped into a page that is worth nothing any more.
        return Response(status=401, headers={"HX-Redirect": url})
    return redirect(url, 303)  # type: ignore[return-value]


def came_from() -> str | None:
    """The page that was asked for, or whose form or part was; None for the first."""
    is_page = request.method == "GET" and not is_htmx()
    wanted = request.full_path.rstrip("?") if is_page else page_shown()
    return None if wanted == "/" else wanted


@bp.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The form; whoever is signed in already goes on."""
    target = own_path(request.args.get("next", ""))
    if not auth.needs_sign_in() or auth.current_user():
        return redirect(target, 303)
    return form(target)


def form(target: str, *, email: str = "", error: str = "") -> str:
    return render_template(
        "sign_in/sign_in.html",
        target=target,
        email=email,
        error=error,
        ended="ended" in request.args,
    )


@bp.post("/sign-in")
def do_sign_in() -> ResponseReturnValue:
    """Check e-mail and password, and begin a session."""
    target = own_path(request.form.get("next", ""))
    email = request.form.get("email", "").strip()[:MAX_EMAIL]
    try:
        user = accounts.user_of_password(
            email,
            request.form.get("password", ""),
            address=auth.client_address(),
            devices=auth.known_users(),
        )
    except (SignInFailed, SignInBusy, TooManyAttempts) as error:
        return refused(form(target, email=email, error=explain(error)), error)
    return enter(user, target)


def enter(user: User, target: str) -> ResponseReturnValue:
    """Go on after the password: to the code, where there is a second factor."""
    if not user.factor_salt:
        return welcome(user, target)
    page = code_form(target, auth.create_ticket(ENTERING, user))
    return page, 200, {"Cache-Control": "no-store"}


def code_form(target: str, ticket: str, *, error: str = "") -> str:
    return render_template(
        "sign_in/code.html", target=target, ticket=ticket, error=error
    )


def welcome(user: User, target: str) -> Response:
    """Begin a session, in the language and theme that the user likes."""
    auth.begin_session(user, confirmed_at=utcnow())
    response = redirect(target, 303)
    auth.remember_device(response, user)  # type: ignore[arg-type]
    for name, value in ((COOKIE, user.language), (THEME, user.theme)):
        if value:
            keep(response, name, value)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session of this browser, and what it has kept: pages and drafts."""
    auth.end_session()
    return out()


def out() -> ResponseReturnValue:
    """Lead somebody out, who leaves nothing in the browser."""
    response = redirect(url_for(".sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    for name in (CHOICES, USED):
        response.delete_cookie(name)
    return response


@bp.get("/invitations/<token>")
def invitation(token: str) -> ResponseReturnValue:
    """The form to choose a password with; looking at it uses nothing up."""
    page = invitation_form(token, accounts.user_of_invitation(token))
    return page, 200, {"Cache-Control": "no-store"}


def invitation_form(token: str, user: User, *, errors: Sequence[str] = ()) -> str:
    return render_template(
        "sign_in/invitation.html",
        token=token,
        user=user,
        errors=errors,
        shortest=accounts.MIN_PASSWORD_CHARS,
    )


@bp.post("/invitations/<token>")
def accept_invitation(token: str) -> ResponseReturnValue:
    """Set the password, and begin a session with it."""
    try:
        user = accounts.accept(token, request.form.get("password", ""))
    except (Invalid, SignInBusy) as error:
        page = invitation_form(
            token, accounts.user_of_invitation(token), errors=reasons(error)
        )
        return refused(page, error)
    return enter(user, url_for(".index"))
