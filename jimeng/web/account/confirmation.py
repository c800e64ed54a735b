"""
Ask for the password again before actions that an unattended browser must not allow.

A user who signed in or entered the password a few minutes ago is not asked. The page
that asks carries the fields of the form, and resubmits it with the password.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.errors import Invalid, JimengError
from jimeng.errors.access import SignInBusy, TooManyAttempts
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.web import refused

P = ParamSpec("P")
FIELD = "confirm_password"
# Raised by `accounts.confirm` and by every other check of the password.
REFUSALS = (Invalid, SignInBusy, TooManyAttempts)


class PasswordNeeded(JimengError):
    """The password was last entered too long ago."""

    code = "password_needed"
    status = 403


def confirmed(
    act: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Decorate a form's view: it runs only when the password was entered recently."""

    @wraps(act)
    def with_confirmation(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.principal.is_anonymous or auth.is_confirmed():
            return act(*args, **kwargs)
        if FIELD not in request.form:
            return password_page(PasswordNeeded(f"{request.method} {request.path}"))
        try:
            accounts.confirm(g.principal, request.form[FIELD], field=FIELD)
        except REFUSALS as error:
            return password_page(error)
        auth.confirm_session()
        return act(*args, **kwargs)

    return with_confirmation


def password_page(error: JimengError) -> ResponseReturnValue:
    is_first = isinstance(error, PasswordNeeded)
    carried = request.form.items(multi=True)
    page = render_template(
        "account/confirm.html",
        user=auth.current_user(),
        action=request.full_path.rstrip("?"),
        carried=[each for each in carried if each[0] != FIELD],
        errors={} if is_first else problems(error),
    )
    return refused(page, error)
