"""Failures: found, run again, or dropped; singly, or all that match."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth
from jimeng.accounts import users
from jimeng.admin import bp
from jimeng.errors import UserNotFound
from jimeng.operations import failures as archive
from jimeng.operations.failures import Filter, Step
from jimeng.web import is_htmx


@bp.get("/failures")
def failures() -> ResponseReturnValue:
    """What failed for good and was not dealt with, newest first."""
    wanted = asked_for(request.args)
    cursor = request.args.get("cursor") or None
    return render_template(
        "admin/failures.html",
        page=archive.page(auth.viewer_of_page(), wanted, cursor),
        wanted=wanted,
        query=query_of(wanted),
        days=days(),
        codes=sorted(archive.CODES),
        is_first=cursor is None,
        most=archive.MOST_COUNTED,
        step=told(),
    )


def asked_for(given: Mapping[str, str]) -> Filter:
    """The filter of a link or a form; what is malformed counts as not given."""
    try:
        day = date.fromisoformat(given.get("day", "").strip())
    except ValueError:
        day = None
    # One that has neighbours.
    day = day if day and 1970 <= day.year <= 9000 else None
    code, user = given.get("code", "").strip(), given.get("user", "").strip()
    return Filter(code=code or None, day=day, user_id=id_of(user) or None)


def id_of(text: str) -> str:
    """Whom the text means: an e-mail's user, or an id, maybe of one who is gone."""
    if "@" in text:
        with suppress(UserNotFound):
            return users.find_by_email(auth.viewer_of_page(), text).id
    return text


def query_of(wanted: Filter) -> dict[str, Any]:
    """The same as parameters of a link."""
    return wanted.as_json()


def days() -> dict[str, date]:
    today = datetime.now(UTC).date()
    return {"today": today, "yesterday": today - timedelta(days=1)}


def told() -> dict | None:
    """What the form before this page has done: numbers, so nothing can be faked."""
    done = request.args.get("done", type=int)
    if done is None:
        return None
    how = "drop" if request.args.get("how") == "drop" else "retry"
    left_out = request.args.get("left_out", default=0, type=int)
    more = request.args.get("more") or None
    return {"how": how, "done": done, "left_out": left_out, "after": more}


@bp.post("/failures/retry")
def retry_failures() -> ResponseReturnValue:
    """Run those that match again, as many as a request has time for."""
    wanted = asked_for(request.form)
    after = request.form.get("after") or None
    step = archive.retry_step(auth.viewer_of_page(), wanted, after)
    return tell(wanted, "retry", step)


@bp.post("/failures/drop")
def drop_failures() -> ResponseReturnValue:
    """Take those that match off the list."""
    wanted = asked_for(request.form)
    return tell(wanted, "drop", archive.drop_step(auth.viewer_of_page(), wanted))


def tell(wanted: Filter, how: str, step: Step) -> ResponseReturnValue:
    """
    Say what was done so far. With scripts the answer goes on by itself; without, the
    page has a button for it. Never on opening a link: that one may come from anybody.
    """
    done = step.done + request.form.get("done", default=0, type=int)
    left_out = step.left_out + request.form.get("left_out", default=0, type=int)
    sums: dict[str, Any] = {"how": how, "done": done, "left_out": left_out}
    query = query_of(wanted)
    page = url_for(".failures", **query, **sums, more=step.after)
    if not is_htmx():
        return redirect(page, 303)
    if step.after is None:
        return "", 200, {"HX-Redirect": page}  # to a list without those
    return render_template(
        "admin/_step.html",
        step={**sums, "after": step.after},
        query=query,
        goes_on=True,
    )


@bp.post("/failures/<task_id>/retry")
def retry_failure(task_id: str) -> ResponseReturnValue:
    """Run one task again, with consent where that may be charged twice."""
    made = archive.retry(
        auth.viewer_of_page(),
        task_id,
        accept_double_charge=request.form.get("accept_double_charge") == "yes",
    )
    return dealt_with("retry", made.id)


@bp.post("/failures/<task_id>/drop")
def drop_failure(task_id: str) -> ResponseReturnValue:
    """Take one task's failures off the list."""
    archive.drop(auth.viewer_of_page(), task_id)
    return dealt_with("drop")


def dealt_with(how: str, made: str | None = None) -> ResponseReturnValue:
    if is_htmx():
        return render_template("admin/_dealt.html", how=how, made=made)
    query = query_of(asked_for(request.form))
    return redirect(url_for(".failures", **query, how=how, done=1), 303)
