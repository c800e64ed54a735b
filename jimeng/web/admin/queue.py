"""The queue: what waits and runs, two switches, and clearing it."""

import hashlib

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.limits.usage import EndCounts
from jimeng.web.admin import bp
from jimeng.web.site import charts
from jimeng.web.site.charts import Chart, Point

WORDS = ("clear", "清空")  # either is taken, in both languages


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    """The whole page; parts of it ask for themselves from time to time."""
    cleared = operations.queue_actions.cleared(auth.principal_of_page())
    return render_template(
        "admin/queue.html",
        part=live_part(),
        last_day=last_day(),
        paused=paused(),
        clearing=cleared if cleared and cleared.is_open else None,
    )


def paused() -> list[str]:
    """The names of the switches that are off."""
    return [
        pause.name
        for pause in operations.queue_actions.pauses(auth.principal_of_page())
    ]


def banners() -> list[str]:
    """What stands above the page, which the part that renews itself does not change."""
    is_suspended = operations.queue_actions.is_suspended(auth.principal_of_page())
    return [*(["suspended"] if is_suspended else []), *paused()]


def live_part() -> str:
    """The part that changes, and with it what makes the next one comparable."""
    board = operations.queue_actions.board(auth.principal_of_page())
    inner = render_template("admin/_board.html", board=board)
    off = "-".join(banners())
    seen = hashlib.sha256(f"{off} {inner}".encode()).hexdigest()[:16]
    return render_template("admin/_live.html", inner=inner, seen=seen, paused=off)


@bp.get("/queue/live")
def live() -> ResponseReturnValue:
    """
    The part that changes; 204 if it has not.

    ``seen`` stands for what the page shows, ``paused`` for its banners: they are
    elsewhere on the page, so it is loaded anew when these have changed.
    """
    if "-".join(banners()) != request.args.get("paused", ""):
        return "", 200, {"HX-Refresh": "true"}
    part = live_part()
    seen = request.args.get("seen", "")
    return ("", 204) if seen and f"seen={seen}" in part else part


@bp.get("/queue/hours")
def hours() -> ResponseReturnValue:
    """The chart of the last 24 hours, which the page renews every five minutes."""
    return last_day()


def last_day() -> str:
    found = operations.queue_actions.hours(auth.principal_of_page())
    return render_template(
        "admin/_hours.html", hours=found, chart=hourly(found), tells=tells
    )


def hourly(found: list[EndCounts]) -> Chart:
    points = [
        Point(f"{hour.begin:%H:%M}", (hour.completed, hour.failed)) for hour in found
    ]
    return charts.bars(points)


def tells(point: Point) -> str:
    done, failed = point.values
    return t("queue.hour_tells", time=point.label, done=done, failed=failed)


@bp.post("/switches/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Pause a part of the work, or let it go on."""
    is_paused = request.form.get("paused") == "1"
    operations.queue_actions.set_paused(auth.principal_of_page(), name, is_paused)
    return redirect(url_for(".queue"), 303)


@bp.get("/queue/clear")
def show_clear() -> ResponseReturnValue:
    """What clearing would cancel, and the question whether that is meant."""
    return clear_form()


@bp.post("/queue/clear")
def clear() -> ResponseReturnValue:
    """Cancel what waits; a long queue takes longer than this request."""
    if request.form.get("word", "").strip().casefold() not in WORDS:
        return clear_form(error=t("queue.clear_wrong")), 422
    action = operations.queue_actions.clear(auth.principal_of_page())
    return redirect(url_for(".show_clear", action=action.id), 303)


@bp.get("/queue/clear/progress")
def clear_progress() -> ResponseReturnValue:
    """How far it has come; at the end the page is loaded anew."""
    action = operations.queue_actions.cleared(auth.principal_of_page())
    if action is None or not action.is_open:
        page = url_for(".show_clear", action=action and action.id)
        return "", 200, {"HX-Redirect": page}
    return render_template("admin/_clearing.html", action=action)


def clear_form(error: str | None = None) -> str:
    principal = auth.principal_of_page()
    action = operations.queue_actions.cleared(principal)
    # One that has ended is told of to whoever asked for it.
    tells = action and (action.is_open or action.id == request.args.get("action"))
    return render_template(
        "admin/clear.html",
        pending=operations.queue_actions.pending(principal),
        action=action if tells else None,
        word=t("queue.clear_word"),
        error=error,
    )
