"""The queue: waiting and running work, two pause switches, and clearing it."""

import hashlib

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.billing.usage import EndCounts
from jimeng.http.request_kinds import polled
from jimeng.i18n import t
from jimeng.web import reload_page
from jimeng.web.admin import bp
from jimeng.web.site import charts
from jimeng.web.site.charts import Chart, Point

CONFIRMATIONS = ("clear", "清空")  # either is accepted in both languages


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    """The whole page; its live partials refresh themselves."""
    cleared = operations.queue_actions.cleared(g.principal)
    return render_template(
        "admin/queue.html",
        part=live_part(),
        last_day=last_day(),
        paused=paused(),
        failing_webhooks=operations.webhooks.failing(g.principal),
        clearing=cleared if cleared and cleared.is_open else None,
    )


def paused() -> list[str]:
    """The names of the pause switches that are on."""
    return [pause.name for pause in operations.queue_actions.pauses(g.principal)]


def banners() -> list[str]:
    """The banners above the live partial, which its refresh does not replace."""
    is_suspended = operations.queue_actions.is_suspended(g.principal)
    return [*(["suspended"] if is_suspended else []), *paused()]


def live_part() -> str:
    """The live partial, with a hash of its content to compare the next one with."""
    board = operations.queue_actions.board(g.principal)
    inner = render_template("admin/_board.html", board=board)
    off = "-".join(banners())
    seen = hashlib.sha256(f"{off} {inner}".encode()).hexdigest()[:16]
    return render_template("admin/_live.html", inner=inner, seen=seen, paused=off)


@bp.get("/queue/live")
@polled
def live() -> ResponseReturnValue:
    """
    The live partial; 204 if it has not changed.

    ``seen`` is the hash of what the page shows, ``paused`` names its banners. These
    are outside the partial, so the page is reloaded when they have changed.
    """
    if "-".join(banners()) != request.args.get("paused", ""):
        return reload_page()
    part = live_part()
    seen = request.args.get("seen", "")
    return ("", 204) if seen and f"seen={seen}" in part else part


@bp.get("/queue/hours")
@polled
def hours() -> ResponseReturnValue:
    """The chart of the last 24 hours; the page refreshes it every five minutes."""
    return last_day()


def last_day() -> str:
    found = operations.queue_actions.hours(g.principal)
    return render_template(
        "admin/_hours.html", hours=found, chart=hourly(found), tells=tooltip
    )


def hourly(found: list[EndCounts]) -> Chart:
    points = [
        Point(f"{hour.begin:%H:%M}", (hour.completed, hour.failed)) for hour in found
    ]
    return charts.bars(points)


def tooltip(point: Point) -> str:
    done, failed = point.values
    return t("queue.hour_tells", time=point.label, done=done, failed=failed)


@bp.post("/switches/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Pause or resume a part of the work."""
    is_paused = request.form.get("paused") == "1"
    operations.queue_actions.set_paused(g.principal, name, is_paused)
    return redirect(url_for(".queue"), 303)


@bp.get("/queue/clear")
def show_clear() -> ResponseReturnValue:
    """How many tasks clearing would cancel, and the form that confirms it."""
    return clear_form()


@bp.post("/queue/clear")
def clear() -> ResponseReturnValue:
    """Cancel all waiting tasks; workers continue the bulk action."""
    if request.form.get("word", "").strip().casefold() not in CONFIRMATIONS:
        return clear_form(error=t("queue.clear_wrong")), 422
    action = operations.queue_actions.clear(g.principal)
    return redirect(url_for(".show_clear", action=action.id), 303)


@bp.get("/queue/clear/progress")
@polled
def clear_progress() -> ResponseReturnValue:
    """The progress of the clearing; at its end htmx reloads the page."""
    action = operations.queue_actions.cleared(g.principal)
    if action is None or not action.is_open:
        page = url_for(".show_clear", action=action and action.id)
        return "", 200, {"HX-Redirect": page}
    return render_template("admin/_clearing.html", action=action)


def clear_form(error: str | None = None) -> str:
    action = operations.queue_actions.cleared(g.principal)
    # A finished clearing is shown only to the operator who started it.
    is_shown = action and (action.is_open or action.id == request.args.get("action"))
    return render_template(
        "admin/clear.html",
        pending=operations.queue_actions.pending(g.principal),
        action=action if is_shown else None,
        word=t("queue.clear_word"),
        error=error,
    )
