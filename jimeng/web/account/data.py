"""The user's data: export, and deletion of the account."""

from flask import g, request
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import User
from jimeng.errors import Invalid
from jimeng.errors.access import LastAdmin
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.web import bp, refused
from jimeng.web.account.confirmation import REFUSALS
from jimeng.web.account.profile import Problems, account_user, render_account_page
from jimeng.web.account.sign_in import clear_browser


@bp.get("/account/data")
def account_data() -> ResponseReturnValue:
    """Links to the export and the form that deletes the account."""
    return data_page()


def data_page(errors: Problems | None = None, *, email: str = "") -> str:
    return render_account_page("data", errors=errors or {}, email=email)


@bp.post("/account/delete")
def delete_account() -> ResponseReturnValue:
    """Remove the account with all tasks, pictures and keys; asks for the password."""
    user = account_user()
    try:
        check_deletion(user)
    except (LastAdmin, *REFUSALS) as error:
        page = data_page(problems(error), email=request.form.get("email", ""))
        return refused(page, error)
    users.delete(g.principal, user.id)
    auth.end_session()
    return clear_browser()


def check_deletion(user: User) -> None:
    """
    Raises:
        Invalid: the e-mail was not repeated exactly, or the password is wrong.
        LastAdmin: no administrator would remain.
        TooManyAttempts: as `accounts.confirm`; so is SignInBusy.
    """
    if request.form.get("email", "").strip().casefold() != user.email.casefold():
        raise Invalid.field("email", "account.not_the_email")
    if users.is_last_admin(user):
        raise LastAdmin(f"user {user.id}")
    accounts.confirm(g.principal, request.form.get("password", ""))
