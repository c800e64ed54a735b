"""The form follows the model that is chosen in it."""

from collections.abc import Mapping
from dataclasses import replace

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng import auth
from jimeng.auth.bodies import brings_pictures
from jimeng.web import bp, is_htmx
from jimeng.web.composer import Composer
from jimeng.web.composer_start import asked_for
from jimeng.web.feed import show_feed


@bp.get("/composer")
def composer() -> ResponseReturnValue:
    """
    The choices that a model offers, with the nearest to those that were made; with
    ``again`` or ``prompt`` the whole form.
    """
    form = asked_for()
    whole = {"again", "prompt"} & set(request.args)
    if not is_htmx():
        return show_feed("tasks/index.html", form=form)
    template = "tasks/_form.html" if whole else "create/_choices.html"
    return render_template(template, form=form, oob=True)


@bp.post("/composer")
@brings_pictures
def change_model() -> ResponseReturnValue:
    """
    The page, or the form alone, as it was written, for the model that was chosen in it,
    and with its pictures as a button of theirs says.
    """
    viewer = auth.viewer_of_page()
    form = Composer.sent(request.form, request.files).kept(viewer)
    form = replace(
        form,
        wanted=request.form.get("switch", form.wanted),
        images=arranged(form.images, request.form),
    ).fitted()
    if is_htmx():
        return render_template("tasks/_form.html", form=form)
    return show_feed("tasks/index.html", form=form)


def arranged(ids: tuple[str, ...], form: Mapping[str, str]) -> tuple[str, ...]:
    """Without the one that is to be removed; the one to be moved a place earlier."""
    left = [each for each in ids if each != form.get("remove")]
    moved = form.get("move")
    if moved in left[1:]:
        at = left.index(moved)
        left[at - 1 : at + 1] = [moved, left[at - 1]]
    return tuple(left)
