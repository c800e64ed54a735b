"""Prompts kept under a name: listed beside the history, and on a page of their own."""

from dataclasses import asdict
from urllib.parse import urlencode

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.errors import Invalid
from jimeng.errors.collections import TooManyPrompts
from jimeng.gallery import saved_prompts as prompts
from jimeng.gallery.saved_prompts import Words
from jimeng.http import auth
from jimeng.http.request_bodies import accepts_pictures
from jimeng.i18n import reasons
from jimeng.web import bp, is_htmx, refused
from jimeng.web.create import options
from jimeng.web.create.form import Composer, is_seed
from jimeng.web.create.initial import form_of

DONE = frozenset({"saved", "renamed"})


def words_of(form: Composer, *, with_seed: bool) -> Words:
    """What is kept of a form: the words as they stand, and what the model would get."""
    form = form.fitted()
    size, quality = form.size, options.STANDARD
    if form.model is not None:
        size, quality = form.meant(form.model)
    keeps = with_seed and is_seed(form.seed)
    return Words(
        prompt=form.prompt,
        model=form.wanted or (form.model.id if form.model else None),
        size=size,
        quality=None if quality == options.STANDARD else quality,
        style=form.style or None,
        n=int(form.n) if form.n.isdecimal() else None,
        seed=int(form.seed) if keeps else None,
    )


def show(**values: object) -> str:
    found = prompts.find_all(auth.principal_of_page())
    done = request.args.get("done")
    values = {"errors": {}, "given": None, "gone": None, "name": "", **values}
    return render_template(
        "prompts/index.html",
        saved=[(each, Composer.asked(form_of(each))) for each in found],
        done=done if done in DONE else None,
        **values,
    )


def panel(**values: object) -> str:
    found = prompts.find_all(auth.principal_of_page())
    values = {"errors": {}, "name": "", **values}
    words = {"form_of": lambda each: urlencode(form_of(each))}
    return render_template("prompts/_panel.html", saved=found, **words, **values)


@bp.get("/prompts")
def saved_prompts() -> str:
    """What is kept: to be used, given another name, or deleted."""
    auth.principal_of_page()
    return show()


@bp.get("/prompts/panel")
def prompt_panel() -> str:
    """The same, short, for the panel beside the prompt."""
    auth.principal_of_page()
    return panel()


@bp.post("/prompts/new")
@accepts_pictures
def name_prompt() -> ResponseReturnValue:
    """The page, with the form's words to be given a name; where there is no script."""
    auth.principal_of_page()
    form = Composer.read(request.form)
    if not form.prompt:
        return redirect(url_for(".saved_prompts"), 303)
    return show(given=asdict(words_of(form, with_seed=True)))


@bp.post("/prompts")
def save_prompt() -> ResponseReturnValue:
    """Keep the words and settings of the form under a name."""
    principal = auth.principal_of_page()
    name = request.form.get("name", "")
    with_seed = request.form.get("with_seed") == "1"
    words = words_of(Composer.read(request.form), with_seed=with_seed)
    try:
        prompts.save(principal, name, words)
    except (Invalid, TooManyPrompts) as error:
        values = {"errors": {"name": reasons(error)}, "name": name}
        if is_htmx():
            return refused(panel(**values), error)
        return refused(show(**values, given=asdict(words)), error)
    if is_htmx():
        return panel()
    return redirect(url_for(".saved_prompts", done="saved"), 303)


@bp.post("/prompts/<prompt_id>/rename")
def rename_prompt(prompt_id: str) -> ResponseReturnValue:
    """Give it another name."""
    principal = auth.principal_of_page()
    try:
        prompts.change(principal, prompt_id, {"name": request.form.get("name", "")})
    except Invalid as error:
        return refused(show(errors={prompt_id: reasons(error)}), error)
    return redirect(url_for(".saved_prompts", done="renamed"), 303)


@bp.post("/prompts/<prompt_id>/delete")
def delete_prompt(prompt_id: str) -> ResponseReturnValue:
    """Let it go, and offer the way back."""
    gone = prompts.delete(auth.principal_of_page(), prompt_id)
    return show(gone=gone)
