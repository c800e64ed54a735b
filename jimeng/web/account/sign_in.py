"""Sign in, sign out, and accept an invitation."""

from collections.abc import Sequence

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.documents import User, utcnow
from jimeng.errors import Invalid
from jimeng.errors.access import (
    SignInBusy,
    SignInFailed,
    SignInRequired,
    TooManyAttempts,
)
from jimeng.http import auth
from jimeng.i18n import COOKIE, explain, reasons
from jimeng.web import bp, is_htmx, public, refused
from jimeng.web.create.defaults import CHOICES
from jimeng.web.create.initial import USED
from jimeng.web.site.preferences import (
    THEME,
    own_path,
    page_shown,
    set_preference_cookie,
)

MAX_EMAIL_CHARS = 254
ENTERING = "sign-in"  # purpose of a sign-in ticket


@bp.app_errorhandler(SignInRequired)
def redirect_to_sign_in(error: SignInRequired) -> Response:
    """Redirect a request without a session to the sign-in page, and from there back."""
    url = url_for(
        "web.sign_in",
        next=return_path(),
        ended="1" if auth.has_session_cookie() else None,
    )
    if auth.current_user():
        url = url_for("web.lacking_second_factor")
    if is_htmx():
        # The partial would be swapped into a page whose session has ended.
        return Response(status=401, headers={"HX-Redirect": url})
    return redirect(url, 303)  # type: ignore[return-value]


def return_path() -> str | None:
    """
    The requested page, or the page of the form or partial; None for the home page.
    """
    is_page = request.method == "GET" and not is_htmx()
    path = request.full_path.rstrip("?") if is_page else page_shown()
    return None if path == "/" else path


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """The form; a signed-in user is redirected to the target."""
    target = own_path(request.args.get("next", ""))
    if not auth.needs_sign_in() or auth.current_user():
        return redirect(target, 303)
    return sign_in_page(target)


def sign_in_page(target: str, *, email: str = "", error: str = "") -> str:
    return render_template(
        "sign_in/sign_in.html",
        target=target,
        email=email,
        error=error,
        ended="ended" in request.args,
    )


@bp.post("/sign-in")
@public
def do_sign_in() -> ResponseReturnValue:
    """Check e-mail and password, and begin a session."""
    target = own_path(request.form.get("next", ""))
    email = request.form.get("email", "").strip()[:MAX_EMAIL_CHARS]
    try:
        user = accounts.user_of_password(
            email,
            request.form.get("password", ""),
            address=auth.client_address(),
            devices=auth.known_users(),
        )
    except (SignInFailed, SignInBusy, TooManyAttempts) as error:
        return refused(sign_in_page(target, email=email, error=explain(error)), error)
    return continue_sign_in(user, target)


def continue_sign_in(user: User, target: str) -> ResponseReturnValue:
    """Continue after the password: ask for the code if there is a second factor."""
    if not user.factor_salt:
        return start_session(user, target)
    page = code_form(target, auth.create_ticket(ENTERING, user))
    return page, 200, {"Cache-Control": "no-store"}


def code_form(target: str, ticket: str, *, error: str = "") -> str:
    return render_template(
        "sign_in/code.html", target=target, ticket=ticket, error=error
    )


def start_session(user: User, target: str) -> Response:
    """Begin a session, with the language and theme of the user's preferences."""
    auth.begin_session(user, confirmed_at=utcnow())
    response = redirect(target, 303)
    for name, value in ((COOKIE, user.language), (THEME, user.theme)):
        if value:
            set_preference_cookie(response, name, value)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End the session, and clear the pages and drafts that this browser has stored."""
    if auth.needs_sign_in():  # else there are no sessions
        auth.end_session()
    return clear_browser()


def clear_browser() -> ResponseReturnValue:
    """Redirect to the sign-in page, and clear what the browser has stored."""
    response = redirect(url_for(".sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    for name in (CHOICES, USED):
        response.delete_cookie(name)
    return response


@bp.get("/invitations/<token>")
@public
def invitation(token: str) -> ResponseReturnValue:
    """The form that sets the first password; showing it does not use the token up."""
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
@public
def accept_invitation(token: str) -> ResponseReturnValue:
    """Set the password, and begin a session with it."""
    try:
        user = accounts.accept(token, request.form.get("password", ""))
    except (Invalid, SignInBusy) as error:
        page = invitation_form(
            token, accounts.user_of_invitation(token), errors=reasons(error)
        )
        return refused(page, error)
    return continue_sign_in(user, url_for(".index"))
