"""The second factor: checked at sign-in, set up and removed by its owner."""

import segno
from flask import current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.accounts import second_factor
from jimeng.config import Config
from jimeng.documents import User, utcnow
from jimeng.errors import Invalid, JimengError
from jimeng.errors.access import (
    SecondFactorFailed,
    SignInRequired,
    TicketInvalid,
    TooManyAttempts,
)
from jimeng.http import auth
from jimeng.i18n import explain, problems, t
from jimeng.web import bp, public, refused
from jimeng.web.account.confirmation import REFUSALS
from jimeng.web.account.profile import Problems, redirect_done
from jimeng.web.account.security import security_page
from jimeng.web.account.sign_in import ENTERING, code_form, sign_in_page, start_session
from jimeng.web.site.preferences import own_path

SETTING_UP = "second-factor-set-up"  # purpose of a sign-in ticket
NO_STORE = {"Cache-Control": "no-store"}


def secret_key() -> str:
    config: Config = current_app.config["JIMENG"]
    return config.SECRET_KEY


@bp.post("/sign-in/code")
@public
def check_code() -> ResponseReturnValue:
    """Check the code that follows the password, and begin a session."""
    target = own_path(request.form.get("next", ""))
    ticket = request.form.get("ticket", "")
    try:
        user, _ = auth.verify_ticket(ENTERING, ticket)
        second_factor.check(user, request.form.get("code", ""), secret_key())
    except TicketInvalid as error:
        return refused(sign_in_page(target, error=explain(error)), error)
    except (SecondFactorFailed, TooManyAttempts) as error:
        return refused(code_form(target, ticket, error=explain(error)), error)
    return start_session(user, target)


def owner() -> User:
    """
    The signed-in user, even while a required second factor is missing; sets
    ``g.principal``.

    Raises:
        SignInRequired: the request has no session.
    """
    user = auth.current_user()
    if user is None:
        raise SignInRequired(f"{request.method} {request.path}")
    g.principal = auth.principal_of(user)
    return user


@bp.get("/account/second-factor")
@public
def lacking_second_factor() -> ResponseReturnValue:
    """The page that users who must set up a second factor are redirected to."""
    if auth.lacks_second_factor(owner()):
        return render_template("account/lacking.html", user=owner(), errors={})
    return redirect_done(".account_security", None)


def rejected_page(error: JimengError) -> ResponseReturnValue:
    """Render the page of the form again, with its errors."""
    user = owner()
    errors = {name and f"factor-{name}": said for name, said in problems(error).items()}
    if auth.lacks_second_factor(user):
        page = render_template("account/lacking.html", user=user, errors=errors)
    else:
        page = security_page(errors)
    return refused(page, error)


@bp.post("/account/second-factor/begin")
@public
def begin_second_factor() -> ResponseReturnValue:
    """Show the QR code for the authenticator app, after checking the password."""
    user = owner()
    try:
        accounts.confirm(g.principal, request.form.get("password", ""))
    except REFUSALS as error:
        return rejected_page(error)
    return setup_page(user, second_factor.new_salt())


def setup_page(
    user: User, salt: str, errors: Problems | None = None, status: int = 200
) -> ResponseReturnValue:
    secret = second_factor.secret_of(user, salt, secret_key())
    address = second_factor.address_of(user, secret, t("app.title"))
    page = render_template(
        "account/set_up.html",
        ticket=auth.create_ticket(SETTING_UP, user, salt),
        secret=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        address=address,
        picture=segno.make(address, error="m").svg_data_uri(scale=5, light="#fff"),
        errors=errors or {},
    )
    return page, status, NO_STORE


@bp.post("/account/second-factor")
@public
def set_up_second_factor() -> ResponseReturnValue:
    """Check the app's first code, and show the recovery codes, only this once."""
    owner()
    try:
        user, (salt,) = auth.verify_ticket(SETTING_UP, request.form.get("ticket", ""))
    except TicketInvalid as error:
        return rejected_page(error)
    if user.id != owner().id:
        return rejected_page(TicketInvalid("another's"))
    code = request.form.get("code", "")
    try:
        user, codes = second_factor.set_up(user, salt=salt, code=code, key=secret_key())
    except Invalid as error:
        return setup_page(user, salt, problems(error), error.status)
    auth.begin_session(user, confirmed_at=utcnow())
    return show_codes(codes)


def show_codes(codes: list[str]) -> ResponseReturnValue:
    page = render_template("account/recovery.html", codes=codes)
    return page, 200, NO_STORE


@bp.post("/account/second-factor/codes")
def renew_recovery_codes() -> ResponseReturnValue:
    """Replace the recovery codes; the new ones are shown only this once."""
    try:
        codes = second_factor.renew_codes(g.principal, request.form.get("password", ""))
    except REFUSALS as error:
        return rejected_page(error)
    return show_codes(codes)


@bp.post("/account/second-factor/remove")
def remove_second_factor() -> ResponseReturnValue:
    """Remove the second factor: the password alone signs in from now on."""
    try:
        second_factor.remove(g.principal, request.form.get("password", ""))
    except REFUSALS as error:
        return rejected_page(error)
    return redirect_done(".account_security", "factor_removed")
