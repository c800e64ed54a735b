"""The queue: what waits and runs, two switches, and clearing it."""

import hashlib

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, chart, operations
from jimeng.admin import bp
from jimeng.chart import Chart, Point
from jimeng.i18n import t

WORDS = ("clear", "清空")  # either is taken, in both languages


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    """The whole page; a part of it asks for itself every five seconds."""
    viewer = auth.viewer_of_page()
    hours = operations.hours(viewer)
    return render_template(
        "admin/queue.html",
        part=live_part(),
        hours=hours,
        chart=hourly(hours),
        tells=tells,
    )


def live_part() -> str:
    """The part that changes, and with it what makes the next one comparable."""
    viewer = auth.viewer_of_page()
    board = operations.board(viewer)
    inner = render_template("admin/_board.html", board=board)
    paused = "-".join(pause.name for pause in operations.pauses(viewer))
    seen = hashlib.sha256(f"{paused} {inner}".encode()).hexdigest()[:16]
    return render_template(
        "admin/_live.html", inner=inner, seen=seen, paused=paused, board=board
    )


@bp.get("/queue/live")
def live() -> ResponseReturnValue:
    """
    The part that changes; 204 if it has not.

    ``seen`` stands for what the page shows, ``paused`` for the switches it shows:
    they are elsewhere on the page, so it is loaded anew when these have changed.
    """
    viewer = auth.viewer_of_page()
    paused = "-".join(pause.name for pause in operations.pauses(viewer))
    if paused != request.args.get("paused", ""):
        return "", 200, {"HX-Refresh": "true"}
    part = live_part()
    seen = request.args.get("seen", "")
    return ("", 204) if seen and f"seen={seen}" in part else part


def hourly(hours: list) -> Chart:
    points = [
        Point(f"{hour.begin:%H:%M}", (hour.completed, hour.failed)) for hour in hours
    ]
    return chart.bars(points)


def tells(point: Point) -> str:
    done, failed = point.values
    return t("queue.hour_tells", time=point.label, done=done, failed=failed)


@bp.post("/switches/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Pause a part of the work, or let it go on."""
    is_paused = request.form.get("paused") == "1"
    operations.set_paused(auth.viewer_of_page(), name, is_paused)
    return redirect(url_for(".queue"), 303)


@bp.get("/queue/clear")
def show_clear() -> ResponseReturnValue:
    """What clearing would cancel, and the question whether that is meant."""
    return clear_form()


@bp.post("/queue/clear")
def clear() -> ResponseReturnValue:
    """Cancel what waits; a long queue takes several rounds."""
    if request.form.get("word", "").strip().casefold() not in WORDS:
        return clear_form(error=t("queue.clear_wrong")), 422
    cancelled = operations.clear(auth.viewer_of_page())
    return redirect(url_for(".show_clear", done=cancelled), 303)


def clear_form(error: str | None = None) -> str:
    return render_template(
        "admin/clear.html",
        pending=operations.pending(auth.viewer_of_page()),
        done=request.args.get("done", type=int),
        word=t("queue.clear_word"),
        error=error,
    )
