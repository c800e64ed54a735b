"""
The browser's door: pages, and the parts of them that htmx swaps.

Only `app` and `admin`, whose pages have its frame, may import it.
"""

from collections.abc import Mapping

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from jimeng import auth
from jimeng.errors import JimengError
from jimeng.http.bodies import take_in
from jimeng.i18n import in_language
from jimeng.providers import credentials
from jimeng.web.preferences import theme

bp = Blueprint("web", __name__)
bp.before_request(auth.reject_cross_site)
take_in(bp, auth.viewer_of_page)


def is_htmx() -> bool:
    """Whether a part of a page is asked for, not a page."""
    return request.headers.get("HX-Request") == "true"


def refused(
    page: str, error: JimengError, headers: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    """The page of a form that was not taken, and when it may be sent again."""
    wait = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return page, error.status, {**wait, **(headers or {})}


@bp.app_context_processor
def words_of_every_page() -> dict:
    return {
        "theme": theme,
        "current_user": auth.current_user,
        "navigation": navigation.navigation,
        "stylesheet_url": stylesheet.stylesheet_url,
        "srcset": shapes.srcset,
        "ratio": shapes.nearest,
        "credentials": credentials,
        "in_language": in_language,
        "is_first": not request.args.get("cursor"),  # of a list with cursors
    }


@bp.after_request
def frame(response: Response) -> Response:
    """Keep pages and parts apart in caches, and errors out of the feed."""
    if "Cache-Control" not in response.headers:
        # Whoever uses the browser next must not find it by going back.
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(["HX-Request", "Cookie", "Accept-Language"])
    if is_htmx() and response.status_code >= 400:
        # The answer is the whole error page; only its message is wanted, without
        # its title, and not where the card would have gone.
        response.headers.setdefault("HX-Retarget", "#notices")
        response.headers.setdefault("HX-Reselect", "#error")
        response.headers.setdefault("HX-Reswap", "innerHTML ignoreTitle:true")
    return response


from jimeng.web import (  # noqa: E402 (they need bp)
    account,
    account_data,
    account_keys,
    account_security,
    account_usage,
    account_webhooks,
    archives,
    batches,
    collecting,
    collection_pages,
    composer_pages,
    feed,
    gallery,
    given_pictures,
    images,
    input_links,
    installing,
    navigation,
    pictures,
    saved_prompts,
    second_factor,
    selection,
    shapes,
    share_pages,
    shared,
    sign_in,
    stylesheet,
    task_actions,
    task_list,
    times,
    trash,
    versions,
)
