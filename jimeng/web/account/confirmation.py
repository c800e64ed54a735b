"""
The password once more, before what a browser that was left open must not do.

Whoever signed in, or wrote the password, a few minutes ago is not asked. Whoever is
asked sees a page that carries what the form said, and goes on from there.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.errors import Invalid, JimengError
from jimeng.errors.access import SignInBusy, TooManyAttempts
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.web import refused

P = ParamSpec("P")
FIELD = "confirm_password"
# As `accounts.confirm` does, and whatever else asks for the password.
REFUSALS = (Invalid, SignInBusy, TooManyAttempts)


class PasswordNeeded(JimengError):
    """It was written too long ago."""

    code = "password_needed"
    status = 403


def confirmed(
    act: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Let a view of a form act only for somebody who has just shown the password."""

    @wraps(act)
    def asked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        principal = auth.principal_of_page()
        if principal.is_anonymous or auth.is_confirmed():
            return act(*args, **kwargs)
        if FIELD not in request.form:
            return ask(PasswordNeeded(f"{request.method} {request.path}"))
        try:
            accounts.confirm(principal, request.form[FIELD], field=FIELD)
        except REFUSALS as error:
            return ask(error)
        auth.confirm_session()
        return act(*args, **kwargs)

    return asked


def ask(error: JimengError) -> ResponseReturnValue:
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
