"""The trash: restore and purge tasks, empty it, and move pictures there in bulk."""

from flask import Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.documents import BulkAction
from jimeng.gallery import bulk_trash, trash
from jimeng.gallery.bulk_trash import EMPTY, RESTORE
from jimeng.gallery.trash import Trashed
from jimeng.http.request_kinds import polled, sends_picture
from jimeng.i18n import t
from jimeng.web import bp, is_htmx
from jimeng.web.gallery.selection import redirect_back
from jimeng.web.pictures.files import send
from jimeng.web.site.preferences import own_path
from jimeng.web.tasks.cards import cards_of

# Either is accepted in both languages.
CONFIRMATIONS = frozenset({"删除", "delete"})


@bp.get("/pictures/<picture_id>/trashed.webp")
@sends_picture
def trashed_thumbnail(picture_id: str) -> Response:
    """The thumbnail of a picture in the trash, for its owner alone."""
    found, content = trash.trashed_thumbnail(g.principal, picture_id)
    response = send(content, "image/webp", etag=f"{found.sha256}-thumb")
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@bp.post("/tasks/<task_id>/restore")
def restore_task(task_id: str) -> ResponseReturnValue:
    """Restore a task, with the pictures that were deleted with it."""
    task = trash.restore(g.principal, task_id)
    if is_htmx():
        return render_template("tasks/_card.html", card=cards_of([task])[0])
    target = request.form.get("next") or url_for(".task", task_id=task.id)
    return redirect(own_path(target), 303)


@bp.post("/tasks/<task_id>/purge")
def purge_task(task_id: str) -> ResponseReturnValue:
    """Delete a task in the trash permanently."""
    trash.purge(g.principal, task_id)
    return redirect(url_for(".gallery", trash=1), 303)


@bp.post("/gallery/trash/empty")
def empty_trash() -> ResponseReturnValue:
    """Delete everything in the trash permanently."""
    bulk_trash.empty_trash(g.principal)
    return redirect(url_for(".gallery", trash=1, done="emptied", n=0), 303)


@bp.get("/gallery/progress")
@polled
def tidying() -> ResponseReturnValue:
    """The progress of a bulk action; at its end htmx reloads the page."""
    action = bulk_trash.find_tidying(g.principal, request.args.get("action", ""))
    if action is None or not action.is_open:
        return "", 200, {"HX-Redirect": result_url(action)}
    return render_template("gallery/_tidying.html", action=action)


def result_url(action: BulkAction | None) -> str:
    """The URL of the page that shows the result of a bulk action."""
    if action is None:
        return url_for(".gallery")
    if action.kind == EMPTY:
        return url_for(".gallery", trash=1, done="emptied", n=0)
    if action.kind == RESTORE:
        return url_for(".gallery", done="restored", n=action.done)
    moment = Trashed(action.started_at, action.done).milliseconds
    return url_for(".gallery", done="trashed", n=action.done, batch=moment)


@bp.get("/gallery/tidy")
def tidy() -> ResponseReturnValue:
    """How many pictures deleting all but favourites would affect."""
    counts = bulk_trash.count_others(g.principal)
    return render_template("gallery/tidy.html", counts=counts, wrong=None)


@bp.post("/gallery/tidy")
def tidy_up() -> ResponseReturnValue:
    """
    Move all but favourites to the trash, if the confirmation word was entered and
    their number is still that of the page.
    """
    counts = bulk_trash.count_others(g.principal)
    typed = request.form.get("word", "").strip().strip("“”\"'").casefold()
    if typed not in CONFIRMATIONS:
        wrong = t("tidy.wrong_word", word=t("tidy.word"))
    elif request.form.get("n", type=int) != counts.others:
        wrong = t("tidy.changed")
    else:
        batch = bulk_trash.trash_others(g.principal)
        return redirect_back("trashed", batch.count, batch=batch.milliseconds)
    return render_template("gallery/tidy.html", counts=counts, wrong=wrong), 422
