"""One's own page: name, language, theme, and what the form begins with."""

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from jimeng.accounts import users
from jimeng.documents import User
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.i18n import COOKIE, LANGUAGES, language, problems
from jimeng.schemas.users import UserChanges
from jimeng.web import bp, refused
from jimeng.web.create import defaults as start
from jimeng.web.create import options
from jimeng.web.gallery.downloads import are_wanted
from jimeng.web.site.forms import checked
from jimeng.web.site.preferences import THEME, THEMES, keep, theme

NAME = UserChanges(only=("name",))
# Endpoints, each with a word of its own.
PAGES = (
    *("account", "account_usage", "account_keys", "account_webhooks"),
    *("account_security", "account_data"),
)
GUEST_PAGES = tuple(page for page in PAGES if page != "account_security")
DONE = frozenset(
    {
        "profile",
        "defaults",
        "files",
        "revoked",
        "session",
        "factor_removed",
        "webhook_deleted",
    }
    | {"password", "password_keys", "sessions", "sessions_keys"}
)

Problems = Mapping[str, list[str]]


def account_user() -> User:
    """
    Who is signed in.

    Raises:
        SignInRequired: nobody is.
        NotFound: there is no signing in here.
    """
    auth.principal_of_page()
    user = auth.current_user()
    if user is None:
        raise NotFound
    return user


def show(template: str, **values: object) -> str:
    """A page of the account, with the ways to the others."""
    done = request.args.get("done")
    return render_template(
        f"account/{template}.html",
        pages=PAGES if auth.current_user() else GUEST_PAGES,
        user=auth.current_user(),
        done=done if done in DONE else None,
        **{"here": "account" if template == "settings" else f"account_{template}"}
        | values,
    )


def go(endpoint: str, done: str | None) -> ResponseReturnValue:
    """Back to a page of the account, which says that it is done."""
    return redirect(url_for(endpoint, done=done), 303)


@bp.get("/account")
def account() -> ResponseReturnValue:
    """Name, language, theme, and what the form begins with."""
    auth.principal_of_page()
    return settings()


def settings(*, errors: Problems | None = None, given: Mapping | None = None) -> str:
    found = options.model_options()
    found = [each for each in found if not each.model.needs_images]
    model = options.find_model(None) if found else None
    return show(
        "settings",
        models=found,
        sizes=options.size_options(model, "1:1") if model else [],
        most=start.MAX_PICTURES,
        begins=start.defaults(),
        themes=THEMES,
        chosen_theme=theme(),
        chosen_language=language(),
        words_in_files=are_wanted(),
        errors=errors or {},
        given=given or {},
    )


def refused_settings(error: Invalid) -> ResponseReturnValue:
    return refused(settings(errors=problems(error), given=request.form), error)


@bp.post("/account")
def save_profile() -> ResponseReturnValue:
    """Keep name, language and theme; what is no choice of ours is left as it was."""
    principal = auth.principal_of_page()
    lang = one_of(request.form.get("lang"), LANGUAGES)
    look = one_of(request.form.get("theme"), THEMES)
    user = auth.current_user()
    if user is not None:
        try:
            name = checked(NAME, {"name": request.form.get("name", user.name)})["name"]
        except Invalid as error:
            return refused_settings(error)
        users.update(principal, user.id, name=name)
        users.set_preferences(principal, user.id, language=lang, theme=look)
    response = redirect(url_for(".account", done="profile"), 303)
    for cookie, value in ((COOKIE, lang), (THEME, look)):
        if value:
            keep(response, cookie, value)  # type: ignore[arg-type]
    return response


def one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


@bp.post("/account/defaults")
def save_defaults() -> ResponseReturnValue:
    """Keep what the form begins with."""
    auth.principal_of_page()
    try:
        found = start.check(request.form)
    except Invalid as error:
        return refused_settings(error)
    response = redirect(url_for(".account", done="defaults"), 303)
    start.store(response, found)  # type: ignore[arg-type]
    return response
