"""What is kept of one: to take along, or to have removed."""

from flask import request
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
from jimeng.web.account.profile import Problems, account_user, show
from jimeng.web.account.sign_in import out


@bp.get("/account/data")
def account_data() -> ResponseReturnValue:
    """The way to an export, and to the end of the account."""
    auth.principal_of_page()
    return data()


def data(errors: Problems | None = None, *, email: str = "") -> str:
    return show("data", errors=errors or {}, email=email)


@bp.post("/account/delete")
def delete_account() -> ResponseReturnValue:
    """Remove the account with all tasks, pictures and keys; asks for the password."""
    user = account_user()
    try:
        check(user)
    except (LastAdmin, *REFUSALS) as error:
        page = data(problems(error), email=request.form.get("email", ""))
        return refused(page, error)
    users.delete(auth.principal_of_page(), user.id)
    auth.end_session()
    return out()


def check(user: User) -> None:
    """
    Raises:
        Invalid: the e-mail was not written as asked for, or the password is wrong.
        LastAdmin: nobody would be left to let people in.
        TooManyAttempts: as `accounts.confirm`, and so is SignInBusy.
    """
    if request.form.get("email", "").strip().casefold() != user.email.casefold():
        raise Invalid.field("email", "account.not_the_email")
    if users.is_last_admin(user):
        raise LastAdmin(f"user {user.id}")
    accounts.confirm(auth.principal_of_page(), request.form.get("password", ""))
