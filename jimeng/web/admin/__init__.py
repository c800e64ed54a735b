"""The operator's pages: queue, failures, users, settings, and audit trail."""

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.http import auth
from jimeng.i18n import MESSAGES, t
from jimeng.operations import queue_actions
from jimeng.operations.failures import CODES
from jimeng.web import set_page_headers

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(auth.reject_cross_site)
bp.after_request(set_page_headers)


TAKES_KEYS = frozenset({"admin.costs_csv"})


@bp.before_request
def operators_only() -> None:
    """
    Set ``g.principal``: the operator who is signed in, or for a file that programs
    fetch whose API key is sent.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    if request.endpoint in TAKES_KEYS and auth.bearer_key(request) is not None:
        g.principal = auth.require_operator_of_api()
    else:
        g.principal = auth.principal_of_page()
        g.principal.require_operator("the operator's pages")


@bp.context_processor
def template_globals() -> dict:
    return {
        "is_suspended": lambda: queue_actions.is_suspended(g.principal),
        "pauses": lambda: queue_actions.pauses(g.principal),
        "tabs": TABS,
        "why": why,
        "act": act,
    }


def why(code: str) -> str:
    """The message of an error code; of an unknown one that of a failed provider."""
    return t(f"error.{code if code in CODES else 'provider_failed'}")


def act(action: str) -> str:
    """The name of an audited action; an unknown one as it is stored."""
    return t(f"act.{action}") if f"act.{action}" in MESSAGES else action


@bp.get("/")
def index() -> ResponseReturnValue:
    return redirect(url_for(".queue"), 303)


# Endpoint, and the name in its message key.
TABS = (
    ("admin.queue", "queue"),
    ("admin.failures", "failures"),
    ("admin.usage", "usage"),
    ("admin.users", "users"),
    ("admin.shares", "shares"),
    ("admin.settings", "settings"),
    ("admin.audit", "audit"),
)

from jimeng.web.admin import audit, failures, prices, queue, reports, shares, users
