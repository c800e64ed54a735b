"""The browser interface: pages, and the partials that htmx swaps into them."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask import Blueprint, Response, current_app, g, request
from flask.typing import ResponseReturnValue

from jimeng.errors import JimengError
from jimeng.http import auth
from jimeng.http.requests import limit_large_bodies
from jimeng.i18n import in_language
from jimeng.providers import credentials
from jimeng.web.site.preferences import theme

View = TypeVar("View", bound=Callable)

bp = Blueprint("web", __name__)
bp.before_request(auth.reject_cross_site)


def public(view: View) -> View:
    """Decorate a view that needs no sign-in; apply it first, innermost."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


@bp.before_request
def require_sign_in() -> None:
    """
    Ask for sign-in on every page but the `public` ones, and set ``g.principal``.

    Raises:
        SignInRequired: as `auth.principal_of_page`, and so is SecondFactorLacking.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "is_public", False):
        g.principal = auth.principal_of_page()


limit_large_bodies(bp, lambda: g.principal)


def is_htmx() -> bool:
    """Whether htmx asks for a partial instead of a page."""
    return request.headers.get("HX-Request") == "true"


def reload_page() -> ResponseReturnValue:
    """Have htmx reload the page."""
    return "", 200, {"HX-Refresh": "true"}


def refused(
    page: str, error: JimengError, headers: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    """Answer with the page of a rejected form, and `Retry-After` where it is known."""
    wait = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return page, error.status, {**wait, **(headers or {})}


@bp.app_context_processor
def template_globals() -> dict:
    return {
        "theme": theme,
        "current_user": auth.current_user,
        "navigation": navigation.navigation,
        "stylesheet_url": static_files.stylesheet_url,
        "srcset": aspect_ratios.srcset,
        "ratio": aspect_ratios.nearest,
        "credentials": credentials,
        "remaining_budget": budget.remaining_budget,
        "in_language": in_language,
        "spoken": options.spoken,
        "name_of_lane": options.name_of_lane,
        "is_first": not request.args.get("cursor"),  # of a list with cursors
    }


@bp.after_request
def set_page_headers(response: Response) -> Response:
    """Keep pages and partials apart in caches, and errors out of the feed."""
    if "Cache-Control" not in response.headers:
        # The browser's next user must not reach the page with the back button.
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(["HX-Request", "Cookie", "Accept-Language"])
    if is_htmx() and response.status_code >= 400:
        # The response is the whole error page. Swap in its message alone, without the
        # page's title, and not at the target of the request.
        response.headers.setdefault("HX-Retarget", "#notices")
        response.headers.setdefault("HX-Reselect", "#error")
        response.headers.setdefault("HX-Reswap", "innerHTML ignoreTitle:true")
    return response


from jimeng.web.account import (
    api_keys,
    data,
    profile,
    second_factor,
    security,
    sign_in,
    usage,
    webhooks,
)
from jimeng.web.batches import pages
from jimeng.web.create import (
    aspect_ratios,
    assistant,
    budget,
    inputs,
    options,
    updates,
)
from jimeng.web.gallery import (
    browsing,
    collections,
    downloads,
    saved_prompts,
    selection,
    shared_pages,
    shares,
    tags,
    trash,
)
from jimeng.web.pictures import files, frames, picture_page
from jimeng.web.site import formats, navigation, static_files, web_app
from jimeng.web.tasks import actions, feed, filters
