"""The trash: tasks there, emptying it, and clearing the gallery into it."""

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, tasks
from jimeng.documents import BulkAction
from jimeng.i18n import t
from jimeng.tasks.tidying import EMPTY, RESTORE
from jimeng.tasks.trash import Trashed
from jimeng.web import bp, is_htmx
from jimeng.web.cards import cards_of
from jimeng.web.images import send
from jimeng.web.preferences import own_path
from jimeng.web.selection import back

SURE = frozenset({"删除", "delete"})  # either, whatever the language of the page


@bp.get("/pictures/<picture_id>/trashed.webp")
def trashed_thumbnail(picture_id: str) -> Response:
    """The thumbnail of a picture in the trash, for its owner alone."""
    viewer = auth.viewer_of_page()
    found, content = tasks.trashed_thumbnail(viewer, picture_id)
    response = send(
        content, found.thumbnail_bytes, "image/webp", etag=f"{found.sha256}-thumb"
    )
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@bp.post("/tasks/<task_id>/restore")
def restore_task(task_id: str) -> ResponseReturnValue:
    """Bring a task back, with the pictures that went with it."""
    viewer = auth.viewer_of_page()
    task = tasks.restore(viewer, task_id)
    if is_htmx():
        return render_template("tasks/_card.html", card=cards_of([task])[0])
    target = request.form.get("next") or url_for(".task", task_id=task.id)
    return redirect(own_path(target), 303)


@bp.post("/tasks/<task_id>/purge")
def purge_task(task_id: str) -> ResponseReturnValue:
    """Remove a task that is in the trash for good."""
    tasks.purge(auth.viewer_of_page(), task_id)
    return redirect(url_for(".gallery", trash=1), 303)


@bp.post("/gallery/trash/empty")
def empty_trash() -> ResponseReturnValue:
    """Remove all that is in the trash for good."""
    tasks.empty_trash(auth.viewer_of_page())
    return redirect(url_for(".gallery", trash=1, done="emptied", n=0), 303)


@bp.get("/gallery/progress")
def tidying() -> ResponseReturnValue:
    """How far such an action has come; at the end the page is loaded anew."""
    action = tasks.find_tidying(auth.viewer_of_page(), request.args.get("action", ""))
    if action is None or not action.is_open:
        return "", 200, {"HX-Redirect": over(action)}
    return render_template("gallery/_tidying.html", action=action)


def over(action: BulkAction | None) -> str:
    """The page on which to see what an action has done."""
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
    """How many pictures would go if all but favourites did."""
    counts = tasks.count_others(auth.viewer_of_page())
    return render_template("gallery/tidy.html", counts=counts, wrong=None)


@bp.post("/gallery/tidy")
def tidy_up() -> ResponseReturnValue:
    """
    Put all but favourites into the trash, if the word was typed, and if there are
    still as many as the page said.
    """
    viewer = auth.viewer_of_page()
    counts = tasks.count_others(viewer)
    typed = request.form.get("word", "").strip().strip("“”\"'").casefold()
    if typed not in SURE:
        wrong = t("tidy.wrong_word", word=t("tidy.word"))
    elif request.form.get("n", type=int) != counts.others:
        wrong = t("tidy.changed")
    else:
        batch = tasks.trash_others(viewer)
        return back("trashed", batch.count, batch=batch.milliseconds)
    return render_template("gallery/tidy.html", counts=counts, wrong=wrong), 422
