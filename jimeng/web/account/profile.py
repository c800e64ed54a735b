"""The profile page: name, language, theme, and the form's default settings."""

from collections.abc import Mapping

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from jimeng.accounts import users
from jimeng.documents import User
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.i18n import COOKIE, LANGUAGES, language, problems
from jimeng.schemas.users import UserChanges
from jimeng.web import bp, refused
from jimeng.web.create import defaults, options
from jimeng.web.gallery.downloads import metadata_is_wanted
from jimeng.web.site.forms import checked
from jimeng.web.site.preferences import THEME, THEMES, set_preference_cookie, theme

NAME = UserChanges(only=("name",))
# Endpoints; each has its message.
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
        "key_limits",
        "session",
        "factor_removed",
        "webhook_deleted",
    }
    | {"password", "password_keys", "sessions", "sessions_keys"}
)

Problems = Mapping[str, list[str]]


def account_user() -> User:
    """
    The signed-in user.

    Raises:
        SignInRequired: the request has no session.
        NotFound: this installation has no sign-in.
    """
    user = auth.current_user()
    if user is None:
        raise NotFound
    return user


def render_account_page(template: str, **values: object) -> str:
    """Render a page of the account, with links to the others."""
    done = request.args.get("done")
    return render_template(
        f"account/{template}.html",
        pages=PAGES if auth.current_user() else GUEST_PAGES,
        user=auth.current_user(),
        done=done if done in DONE else None,
        **{"here": "account" if template == "settings" else f"account_{template}"}
        | values,
    )


def redirect_done(endpoint: str, done: str | None) -> ResponseReturnValue:
    """Redirect to a page of the account that confirms the action *done*."""
    return redirect(url_for(endpoint, done=done), 303)


@bp.get("/account")
def account() -> ResponseReturnValue:
    """Name, language, theme, and the form's default settings."""
    return settings_page()


def settings_page(
    *, errors: Problems | None = None, submitted: Mapping | None = None
) -> str:
    offered = options.model_options()
    offered = [each for each in offered if not each.model.needs_images]
    model = options.find_model(None) if offered else None
    return render_account_page(
        "settings",
        models=offered,
        sizes=options.size_options(model, "1:1") if model else [],
        most=defaults.MAX_OUTPUTS,
        begins=defaults.defaults(),
        themes=THEMES,
        chosen_theme=theme(),
        chosen_language=language(),
        metadata_in_files=metadata_is_wanted(),
        errors=errors or {},
        submitted=submitted or {},
    )


def refused_settings(error: Invalid) -> ResponseReturnValue:
    return refused(settings_page(errors=problems(error), submitted=request.form), error)


@bp.post("/account")
def save_profile() -> ResponseReturnValue:
    """Store name, language and theme; an unknown language or theme changes nothing."""
    lang = one_of(request.form.get("lang"), LANGUAGES)
    chosen = one_of(request.form.get("theme"), THEMES)
    user = auth.current_user()
    if user is not None:
        try:
            name = checked(NAME, {"name": request.form.get("name", user.name)})["name"]
        except Invalid as error:
            return refused_settings(error)
        users.update(g.principal, user.id, name=name)
        users.set_preferences(g.principal, user.id, language=lang, theme=chosen)
    response = redirect(url_for(".account", done="profile"), 303)
    for cookie, value in ((COOKIE, lang), (THEME, chosen)):
        if value:
            set_preference_cookie(response, cookie, value)  # type: ignore[arg-type]
    return response


def one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


@bp.post("/account/defaults")
def save_defaults() -> ResponseReturnValue:
    """Store the form's default settings."""
    try:
        values = defaults.validate(request.form)
    except Invalid as error:
        return refused_settings(error)
    response = redirect(url_for(".account", done="defaults"), 303)
    defaults.store(response, values)  # type: ignore[arg-type]
    return response
