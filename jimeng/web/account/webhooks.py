"""The user's webhooks: endpoints, events, and the delivery log."""

from collections.abc import Mapping

from flask import Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import jobs
from jimeng.documents import utcnow
from jimeng.documents.webhook import EVENTS, LOG_RETENTION
from jimeng.errors import Invalid
from jimeng.i18n import problems
from jimeng.schemas.webhooks import NewEndpoint, attempt_text
from jimeng.web import bp, refused
from jimeng.web.account.profile import Problems, render_account_page
from jimeng.web.site.forms import checked
from jimeng.webhooks import endpoints

FORM = NewEndpoint(exclude=("user_id", "description"))


@bp.get("/account/webhooks")
def account_webhooks() -> ResponseReturnValue:
    """The list of endpoints, and the form for a new one."""
    return webhooks_page()


def webhooks_page(
    secret: str = "",
    *,
    errors: Problems | None = None,
    submitted: Mapping | None = None,
) -> str:
    return render_account_page(
        "webhooks",
        webhooks=endpoints.page(g.principal).rows,
        is_off=not jobs.runtime().config.SECRET_KEY,
        events=EVENTS,
        secret=secret,
        errors=errors or {},
        submitted=submitted or {},
    )


@bp.post("/account/webhooks")
def make_webhook() -> ResponseReturnValue:
    """Create an endpoint. Only this response contains its secret."""
    principal, form = g.principal, request.form
    values = {
        **{"url": form.get("url", ""), "events": form.getlist("events")},
        "include_prompt": form.get("include_prompt") == "1",
    }
    try:
        new = endpoints.NewWebhook(**checked(FORM, values))
        _, secret = endpoints.create(principal, new)
    except Invalid as error:
        return refused(webhooks_page(errors=problems(error), submitted=form), error)
    return uncached(webhooks_page(secret), 201)


def uncached(text: str, status: int = 200) -> Response:
    response: Response = make_response(text, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/account/webhooks/<webhook_id>")
def webhook(webhook_id: str) -> ResponseReturnValue:
    """The delivery log, with the result of each attempt as a message."""
    return log_page(webhook_id, cursor=request.args.get("cursor"))


def log_page(webhook_id: str, *, secret: str = "", cursor: str | None = None) -> str:
    found = endpoints.deliveries(g.principal, webhook_id, cursor=cursor)
    return render_account_page(
        "webhook",
        here="account_webhooks",
        webhook=endpoints.find(g.principal, webhook_id),
        deliveries=found.rows,
        next_cursor=found.next_cursor,
        attempt_text=attempt_text,
        secret=secret,
    )


@bp.post("/account/webhooks/<webhook_id>")
def act_on_webhook(webhook_id: str) -> ResponseReturnValue:
    """Test, enable, disable or delete it, rotate its secret, or replay deliveries."""
    principal, act = g.principal, request.form.get("act", "")
    match act:
        case "test":
            endpoints.test(principal, webhook_id)
        case "enable" | "disable":
            endpoints.change(principal, webhook_id, {"enabled": act == "enable"})
        case "rotate":
            _, secret = endpoints.rotate(principal, webhook_id)
            return uncached(log_page(webhook_id, secret=secret))
        case "replay":
            since = utcnow() - LOG_RETENTION
            endpoints.replay_failed(principal, webhook_id, since=since)
        case "delete":
            endpoints.delete(principal, webhook_id)
            return redirect(url_for(".account_webhooks", done="webhook_deleted"), 303)
        case _:
            endpoints.find(principal, webhook_id)
            raise Invalid.field("act", "invalid.value")
    return redirect(url_for(".webhook", webhook_id=webhook_id), 303)


@bp.post("/account/webhooks/<webhook_id>/<delivery_id>")
def replay_delivery(webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    """Send one delivery again now, without retries."""
    endpoints.replay(g.principal, webhook_id, delivery_id)
    return redirect(url_for(".webhook", webhook_id=webhook_id), 303)
