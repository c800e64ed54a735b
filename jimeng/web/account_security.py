"""One's own password, and the browsers that are signed in."""

from flask import request
from flask.typing import ResponseReturnValue

from jimeng import accounts, auth
from jimeng.errors import Invalid, SignInBusy, TooManyAttempts
from jimeng.web import bp
from jimeng.web.account import Problems, account_user, go, problems, show
from jimeng.web.sign_in import retry_headers


@bp.get("/account/security")
def account_security() -> ResponseReturnValue:
    """The form to change the password, and the way out of all browsers."""
    account_user()
    return security()


def security(errors: Problems | None = None) -> str:
    return show("security", errors=errors or {}, shortest=accounts.SHORTEST_PASSWORD)


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Set another password; all browsers but this one are signed out."""
    account_user()
    form = request.form
    try:
        if form.get("new", "") != form.get("again", ""):
            raise Invalid.field("again", "account.not_the_same")
        user = accounts.set_password(
            auth.viewer_of_page(),
            current=form.get("current", ""),
            new=form.get("new", ""),
        )
    except (Invalid, SignInBusy, TooManyAttempts) as error:
        return security(problems(error)), error.status, retry_headers(error)
    auth.begin_session(user)
    return go(".account_security", "password")


@bp.post("/account/sessions/end")
def end_sessions() -> ResponseReturnValue:
    """Sign out all browsers but this one."""
    auth.begin_session(accounts.end_sessions(account_user().id))
    return go(".account_security", "sessions")
