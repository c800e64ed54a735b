"""Actions: create, cancel, retry, repeat and delete tasks; language and theme."""

from contextlib import suppress
from typing import Any

from flask import g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import tasks
from jimeng.accounts import users
from jimeng.documents import Task, best_effort
from jimeng.documents.principal import Principal
from jimeng.errors import JimengError, PictureUnderWay, TaskFinished
from jimeng.gallery import trash
from jimeng.http import auth
from jimeng.http.request_kinds import submits
from jimeng.http.requests import accepts_pictures
from jimeng.i18n import COOKIE, LANGUAGES
from jimeng.web import bp, is_htmx, public, refused, reload_page
from jimeng.web.create.form import Composer, TaskForm
from jimeng.web.create.form_tokens import REFUSALS, new_token, token_of
from jimeng.web.create.initial import store_used_settings
from jimeng.web.create.videos import VideoForm
from jimeng.web.site.forms import accepts_double_charge
from jimeng.web.site.preferences import THEME, THEMES, remember
from jimeng.web.tasks.cards import Change, Mark, cards_of, poll_interval_s, read_marks
from jimeng.web.tasks.feed import queue_summary, show_feed

REPLACE_FORM = {
    "HX-Retarget": "#composer",
    "HX-Reselect": "#composer",
    "HX-Reswap": "outerHTML",
}


@bp.post("/tasks")
@accepts_pictures
@submits
def create() -> ResponseReturnValue:
    """
    Create a task from the form; answer htmx with its card, others with a redirect.
    """
    return create_with(Composer.from_form(request.form, request.files))


@bp.post("/videos")
@accepts_pictures
@submits
def create_video() -> ResponseReturnValue:
    """The same for videos."""
    return create_with(VideoForm.from_form(request.form, request.files))


def create_with(form: TaskForm) -> ResponseReturnValue:
    principal = auth.principal_of_page()
    try:
        task, replayed = form.submit(principal)
    except REFUSALS as error:
        return rejected_form(form.rejected(error).with_stored_files(principal), error)
    if is_htmx():
        response = make_response(show_created(task, replayed))
    else:
        seed = task.seed if task.seed_given else None
        again = url_for(".index", again=task.id, seed=seed)
        response = make_response(redirect(again, 303))
    if isinstance(form, Composer) and not task.inputs:
        store_used_settings(response, request.form)
    return response


def rejected_form(form: TaskForm, error: JimengError) -> ResponseReturnValue:
    if not is_htmx():
        return refused(show_feed("tasks/index.html", form=form), error)
    return refused(render_template("tasks/_form.html", form=form), error, REPLACE_FORM)


def show_created(
    task: Task, replayed: bool, replaced: str | None = None
) -> ResponseReturnValue:
    """The card of a created task, for the top of the feed."""
    if replayed:
        return reload_page()  # the first response was lost, so the page is out of date
    with best_effort("card"):
        card = cards_of([task])[0]
        shown = len(read_marks(request.form.getlist("c")))
        return render_template(
            "tasks/_created.html",
            card=card,
            wait=poll_interval_s([card]),
            live=shown + card.is_open,
            queue=queue_summary(auth.principal_of_page(), [card], shown),
            token=new_token(),
            replaced=replaced,
        )
    return reload_page()


@bp.post("/tasks/<task_id>/cancel")
def cancel(task_id: str) -> ResponseReturnValue:
    """Cancel a task; one that has just finished is shown unchanged."""
    with suppress(TaskFinished):
        tasks.cancel(g.principal, task_id)
    return show_changed(g.principal, task_id)


@bp.post("/tasks/<task_id>/pictures/<int:index>/cancel")
def cancel_picture(task_id: str, index: int) -> ResponseReturnValue:
    """Cancel a waiting picture; one that was just submitted is shown unchanged."""
    with suppress(PictureUnderWay):
        tasks.cancel_picture(g.principal, task_id, index)
    return show_changed(g.principal, task_id, index)


def show_changed(
    principal: Principal, task_id: str, index: int | None = None
) -> ResponseReturnValue:
    """The current card of a task; *index* is that of the cancelled picture."""
    if not is_htmx():
        return redirect(url_for(".task", task_id=task_id), 303)
    with best_effort("card"):
        is_page = request.form.get("page") == "task"
        card = cards_of([tasks.find(principal, task_id)], is_page=is_page)[0]
        # A mark without known states, so that every picture is rendered.
        unknown = Mark(task_id, "-" * len(card.pictures), "")
        change = Change(card, unknown)
        return render_template("tasks/_cancelled.html", change=change, index=index)
    return reload_page()


@bp.post("/tasks/<task_id>/retry")
@submits
def retry(task_id: str) -> ResponseReturnValue:
    """Retry the task as a new one; to undo a cancellation, replacing the old one."""
    principal, undo = g.principal, "undo" in request.form
    task, replayed = tasks.retry(
        principal,
        task_id,
        accept_double_charge=accepts_double_charge(),
        idem_key=token_of(request.form),
    )
    if undo:
        with best_effort("undo"):
            trash.trash(principal, task_id)
    if not is_htmx():
        return redirect(url_for(".task", task_id=task.id), 303)
    return show_created(task, replayed, task_id if undo else None)


@bp.post("/tasks/<task_id>/again")
@submits
def again(task_id: str) -> ResponseReturnValue:
    """Repeat the task with a new seed."""
    principal, token = g.principal, token_of(request.form)
    task, replayed = tasks.run_again(principal, task_id, idem_key=token)
    if not is_htmx():
        return redirect(url_for(".task", task_id=task.id), 303)
    return show_created(task, replayed)


@bp.post("/tasks/<task_id>/delete")
def delete(task_id: str) -> ResponseReturnValue:
    """Move the task with its pictures to the trash; its card becomes an undo notice."""
    trash.trash(g.principal, task_id)
    if not is_htmx():
        return redirect(url_for(".index", deleted=task_id), 303)
    return render_template("tasks/_gone.html", task_id=task_id)


@bp.post("/language")
@public
def choose_language() -> ResponseReturnValue:
    """Store the language in this browser, and in the user's preferences."""
    wanted = request.form.get("lang")
    chosen = wanted if wanted in LANGUAGES else LANGUAGES[0]
    return choose(COOKIE, chosen, language=chosen)


@bp.post("/theme")
@public
def choose_theme() -> ResponseReturnValue:
    """Store the theme in this browser, and in the user's preferences."""
    wanted = request.form.get("theme")
    chosen = wanted if wanted in THEMES else THEMES[0]
    return choose(THEME, chosen, theme=chosen)


def choose(cookie: str, chosen: str, **preference: Any) -> ResponseReturnValue:
    user = auth.current_user()
    if user is not None:
        users.set_preferences(auth.principal_of_page(), user.id, **preference)
    return remember(cookie, chosen)
