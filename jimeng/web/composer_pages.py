"""The form follows the model that is chosen in it."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng import auth
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
def change_model() -> ResponseReturnValue:
    """The page with the form as it is, for the model that was chosen in it."""
    auth.viewer_of_page()
    form = Composer.read(request.form).fitted()
    return show_feed("tasks/index.html", form=form)
