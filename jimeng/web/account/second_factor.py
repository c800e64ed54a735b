"""The second factor: asked for at sign-in, set up and taken away by its owner."""

import segno
from flask import current_app, render_template, request
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
from jimeng.web import bp, refused
from jimeng.web.account.confirmation import REFUSALS
from jimeng.web.account.profile import Problems, go
from jimeng.web.account.security import security
from jimeng.web.account.sign_in import ENTERING, code_form, form, welcome
from jimeng.web.site.preferences import own_path

SETTING_UP = "second-factor-set-up"  # what a ticket is for
NO_STORE = {"Cache-Control": "no-store"}


def key() -> str:
    config: Config = current_app.config["JIMENG"]
    return config.SECRET_KEY


@bp.post("/sign-in/code")
def check_code() -> ResponseReturnValue:
    """Take the code, after the password, and begin a session."""
    target = own_path(request.form.get("next", ""))
    given = request.form.get("ticket", "")
    try:
        user, _ = auth.verify_ticket(ENTERING, given)
        second_factor.check(user, request.form.get("code", ""), key())
    except TicketInvalid as error:
        return refused(form(target, error=explain(error)), error)
    except (SecondFactorFailed, TooManyAttempts) as error:
        return refused(code_form(target, given, error=explain(error)), error)
    return welcome(user, target)


def owner() -> User:
    """
    Who is signed in, with a second factor or while it is lacking.

    Raises:
        SignInRequired: nobody is.
    """
    user = auth.current_user()
    if user is None:
        raise SignInRequired(f"{request.method} {request.path}")
    return user


@bp.get("/account/second-factor")
def lacking_second_factor() -> ResponseReturnValue:
    """Where those who must have one, and have none, are led before anything else."""
    if auth.lacks_second_factor(owner()):
        return render_template("account/lacking.html", user=owner(), errors={})
    return go(".account_security", None)


def show_again(error: JimengError) -> ResponseReturnValue:
    """The page that the form stood on, with what is wrong."""
    user = owner()
    errors = {name and f"factor-{name}": said for name, said in problems(error).items()}
    if auth.lacks_second_factor(user):
        page = render_template("account/lacking.html", user=user, errors=errors)
    else:
        page = security(errors)
    return refused(page, error)


@bp.post("/account/second-factor/begin")
def begin_second_factor() -> ResponseReturnValue:
    """Show what the app scans, to whoever knows the password."""
    user = owner()
    try:
        accounts.confirm(auth.principal_of(user), request.form.get("password", ""))
    except REFUSALS as error:
        return show_again(error)
    return offer(user, second_factor.new_salt())


def offer(
    user: User, salt: str, errors: Problems | None = None, status: int = 200
) -> ResponseReturnValue:
    secret = second_factor.secret_of(user, salt, key())
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
def set_up_second_factor() -> ResponseReturnValue:
    """Take the app's first code; the recovery codes are shown this once."""
    owner()
    try:
        user, (salt,) = auth.verify_ticket(SETTING_UP, request.form.get("ticket", ""))
    except TicketInvalid as error:
        return show_again(error)
    if user.id != owner().id:
        return show_again(TicketInvalid("another's"))
    code = request.form.get("code", "")
    try:
        user, codes = second_factor.set_up(user, salt=salt, code=code, key=key())
    except Invalid as error:
        return offer(user, salt, problems(error), error.status)
    auth.begin_session(user, confirmed_at=utcnow())
    return show_codes(codes)


def show_codes(codes: list[str]) -> ResponseReturnValue:
    page = render_template("account/recovery.html", codes=codes)
    return page, 200, NO_STORE


@bp.post("/account/second-factor/codes")
def renew_recovery_codes() -> ResponseReturnValue:
    """Other recovery codes, shown this once."""
    principal = auth.principal_of_page()
    try:
        codes = second_factor.renew_codes(principal, request.form.get("password", ""))
    except REFUSALS as error:
        return show_again(error)
    return show_codes(codes)


@bp.post("/account/second-factor/remove")
def remove_second_factor() -> ResponseReturnValue:
    """Ask for the password alone from now on."""
    principal = auth.principal_of_page()
    try:
        second_factor.remove(principal, request.form.get("password", ""))
    except REFUSALS as error:
        return show_again(error)
    return go(".account_security", "factor_removed")
