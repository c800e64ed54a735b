"""The form follows the model that is chosen in it."""

from collections.abc import Mapping
from dataclasses import replace

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.http.request_bodies import accepts_pictures
from jimeng.pictures.metadata import Made, read_back
from jimeng.web import bp, is_htmx
from jimeng.web.create.form import Composer
from jimeng.web.create.initial import asked_for
from jimeng.web.tasks.actions import refuse
from jimeng.web.tasks.feed import show_feed


@bp.get("/composer")
def composer() -> ResponseReturnValue:
    """
    The choices that a model offers, with the nearest to those that were made; with
    ``again`` or ``prompt`` the whole form.
    """
    form = asked_for()
    whole = {"again", "prompt", "saved"} & set(request.args)
    if not is_htmx():
        return show_feed("tasks/index.html", form=form)
    template = "tasks/_form.html" if whole else "create/_choices.html"
    return render_template(template, form=form, oob=True)


@bp.post("/composer")
@accepts_pictures
def change_model() -> ResponseReturnValue:
    """
    The page, or the form alone, as it was written, for the model that was chosen in it,
    and with its pictures as a button of theirs says.
    """
    principal = auth.principal_of_page()
    form = Composer.sent(request.form, request.files).kept(principal)
    form = replace(
        form,
        wanted=request.form.get("switch", form.wanted),
        images=arranged(form.images, request.form),
    ).fitted()
    if is_htmx():
        return render_template("tasks/_form.html", form=form)
    return show_feed("tasks/index.html", form=form)


@bp.get("/composer/file")
def offer_of_file() -> str:
    """What a page offers where a picture is dropped that says what it was made of."""
    auth.principal_of_page()
    return render_template("create/_says.html")


@bp.post("/composer/file")
@accepts_pictures
def form_of_file() -> ResponseReturnValue:
    """
    The page, with the form as the first picture in it says that it was made; in a
    browser without a script. None of the pictures is kept.
    """
    principal = auth.principal_of_page()
    form = Composer.sent(request.form, request.files)
    made = next(filter(None, map(read_back, form.files)), None)
    if made is None:
        error = Invalid.field("images", "invalid.no_words")
        return refuse(form.refused(error).kept(principal), error)
    return show_feed("tasks/index.html", form=Composer.asked(words_of(made, form.n)))


def words_of(made: Made, n: str) -> dict[str, str]:
    """What a picture says, as the form names it."""
    words = {"prompt": made.prompt, "style": made.style, "model": made.model}
    words |= {"size": made.size or "1:1", "n": n}
    return words if made.seed is None else {**words, "seed": str(made.seed)}


def arranged(ids: tuple[str, ...], form: Mapping[str, str]) -> tuple[str, ...]:
    """Without the one that is to be removed; the one to be moved a place earlier."""
    left = [each for each in ids if each != form.get("remove")]
    moved = form.get("move")
    if moved in left[1:]:
        at = left.index(moved)
        left[at - 1 : at + 1] = [moved, left[at - 1]]
    return tuple(left)
