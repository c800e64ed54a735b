"""The user's password and signed-in browsers."""

from flask import g, request
from flask.typing import ResponseReturnValue

from jimeng import accounts
from jimeng.documents import utcnow
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.web import bp, refused
from jimeng.web.account.confirmation import REFUSALS, confirmed
from jimeng.web.account.profile import (
    Problems,
    account_user,
    redirect_done,
    render_account_page,
)

# The order matters: most user agents also contain the names further down.
BROWSERS = (
    *(("MicroMessenger", "微信 WeChat"), ("Edg", "Edge"), ("OPR/", "Opera")),
    *(("SamsungBrowser", "Samsung Internet"), ("HuaweiBrowser", "Huawei Browser")),
    *(("FxiOS", "Firefox"), ("Firefox", "Firefox")),
    *(("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
)
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
    *(("HarmonyOS", "HarmonyOS"), ("Windows", "Windows"), ("Mac OS X", "macOS")),
    *(("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


@bp.get("/account/security")
def account_security() -> ResponseReturnValue:
    """The form to change the password, and the browsers that are signed in."""
    account_user()
    return security_page()


def security_page(errors: Problems | None = None) -> str:
    principal, found = g.principal, auth.current_session()
    return render_account_page(
        "security",
        errors=errors or {},
        shortest=accounts.MIN_PASSWORD_CHARS,
        sessions=accounts.list_sessions(principal, principal.user_id),
        this=found[0].id if found else None,
        browser=browser_name,
        idle=accounts.SESSION_IDLE.days,
        longest=accounts.MAX_SESSION_AGE.days,
        keys=len(accounts.list_keys(principal, principal.user_id)),
    )


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change the password; all browsers but this one are signed out."""
    account_user()
    form = request.form
    try:
        if form.get("new", "") != form.get("again", ""):
            raise Invalid.field("again", "account.not_the_same")
        user = accounts.set_password(
            g.principal,
            current=form.get("current", ""),
            new=form.get("new", ""),
        )
    except REFUSALS as error:
        return refused(security_page(problems(error)), error)
    auth.begin_session(user, confirmed_at=utcnow())
    return redirect_done(".account_security", revoke_keys_if_requested("password"))


@bp.post("/account/sessions/end")
@confirmed
def end_sessions() -> ResponseReturnValue:
    """Sign out all browsers but this one."""
    user, found = account_user(), auth.current_session()
    shown = found[0].confirmed_at if found else None
    auth.begin_session(accounts.end_sessions(user.id), confirmed_at=shown)
    return redirect_done(".account_security", revoke_keys_if_requested("sessions"))


def revoke_keys_if_requested(done: str) -> str:
    """Revoke the API keys too if the form says so; return the name of what was done."""
    if not request.form.get("keys"):
        return done
    accounts.revoke_keys(g.principal, g.principal.user_id)
    return f"{done}_keys"


@bp.post("/account/sessions/<session_id>/end")
@confirmed
def end_session(session_id: str) -> ResponseReturnValue:
    """Sign out one of the browsers."""
    account_user()
    accounts.end_session(g.principal, session_id)
    return redirect_done(".account_security", "session")


def browser_name(browser: str) -> str:
    """
    The common name of a user agent, such as ``Chrome · Windows``; empty if unknown.
    """
    known = (
        next((name for mark, name in marks if mark in browser), None)
        for marks in (BROWSERS, SYSTEMS)
    )
    return " · ".join(name for name in known if name)
