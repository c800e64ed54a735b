"""The operator's door: the queue, failures, users, settings, and the audit trail."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from jimeng.http import auth
from jimeng.i18n import MESSAGES, t
from jimeng.operations import queue_actions
from jimeng.operations.failures import CODES
from jimeng.web import frame

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(auth.reject_cross_site)
bp.after_request(frame)


@bp.before_request
def operators_only() -> None:
    """
    Raises:
        AdminsOnly: whoever asks is none.
    """
    auth.principal_of_page().require_operator("the operator's pages")


@bp.context_processor
def words_of_every_page() -> dict:
    return {
        "is_suspended": lambda: queue_actions.is_suspended(auth.principal_of_page()),
        "pauses": lambda: queue_actions.pauses(auth.principal_of_page()),
        "tabs": TABS,
        "why": why,
        "act": act,
    }


def why(code: str) -> str:
    """The words of a failure; one that only another release knew is a failure too."""
    return t(f"error.{code if code in CODES else 'provider_failed'}")


def act(action: str) -> str:
    """The words of an action; one that only another release knew has none."""
    return t(f"act.{action}") if f"act.{action}" in MESSAGES else action


@bp.get("/")
def index() -> ResponseReturnValue:
    return redirect(url_for(".queue"), 303)


# Endpoint, and what its words are named after.
TABS = (
    ("admin.queue", "queue"),
    ("admin.failures", "failures"),
    ("admin.usage", "usage"),
    ("admin.users", "users"),
    ("admin.shares", "shares"),
    ("admin.settings", "settings"),
    ("admin.audit", "audit"),
)

from jimeng.web.admin import audit, failures, queue, reports, shares, users
