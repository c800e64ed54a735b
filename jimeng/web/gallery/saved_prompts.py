"""Saved prompts: the panel next to the history, and their page."""

from dataclasses import asdict
from urllib.parse import urlencode

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.errors import Invalid
from jimeng.errors.collections import TooManyPrompts
from jimeng.gallery import saved_prompts as prompts
from jimeng.gallery.saved_prompts import PromptSettings
from jimeng.http.requests import accepts_pictures
from jimeng.i18n import reasons
from jimeng.web import bp, is_htmx, refused
from jimeng.web.create import options
from jimeng.web.create.form import Composer, is_seed
from jimeng.web.create.initial import form_of

DONE = frozenset({"saved", "renamed"})


def settings_of(form: Composer, *, with_seed: bool) -> PromptSettings:
    """
    The values of a form that are saved: the prompt as entered, and the API's size.
    """
    form = form.fitted()
    size, quality = form.size, options.STANDARD
    if form.model is not None:
        size, quality = form.api_size(form.model)
    keeps = with_seed and is_seed(form.seed)
    return PromptSettings(
        prompt=form.prompt,
        model=form.wanted or (form.model.id if form.model else None),
        size=size,
        quality=None if quality == options.STANDARD else quality,
        style=form.style or None,
        n=int(form.n) if form.n.isdecimal() else None,
        seed=int(form.seed) if keeps else None,
    )


def prompts_page(**values: object) -> str:
    found = prompts.find_all(g.principal)
    done = request.args.get("done")
    values = {"errors": {}, "unsaved": None, "gone": None, "name": "", **values}
    return render_template(
        "prompts/index.html",
        saved=[(each, Composer.prefilled(form_of(each))) for each in found],
        done=done if done in DONE else None,
        **values,
    )


def panel(**values: object) -> str:
    found = prompts.find_all(g.principal)
    values = {"errors": {}, "name": "", **values}
    helpers = {"form_of": lambda each: urlencode(form_of(each))}
    return render_template("prompts/_panel.html", saved=found, **helpers, **values)


@bp.get("/prompts")
def saved_prompts() -> str:
    """The saved prompts: use, rename or delete them."""
    return prompts_page()


@bp.get("/prompts/panel")
def prompt_panel() -> str:
    """The same as a panel of the prompt field."""
    return panel()


@bp.post("/prompts/new")
@accepts_pictures
def name_prompt() -> ResponseReturnValue:
    """The page with a form that names the prompt; for browsers without JavaScript."""
    form = Composer.from_values(request.form)
    if not form.prompt:
        return redirect(url_for(".saved_prompts"), 303)
    return prompts_page(unsaved=asdict(settings_of(form, with_seed=True)))


@bp.post("/prompts")
def save_prompt() -> ResponseReturnValue:
    """Save the prompt and settings of the form under a name."""
    name = request.form.get("name", "")
    with_seed = request.form.get("with_seed") == "1"
    settings = settings_of(Composer.from_values(request.form), with_seed=with_seed)
    try:
        prompts.save(g.principal, name, settings)
    except (Invalid, TooManyPrompts) as error:
        values = {"errors": {"name": reasons(error)}, "name": name}
        if is_htmx():
            return refused(panel(**values), error)
        return refused(prompts_page(**values, unsaved=asdict(settings)), error)
    if is_htmx():
        return panel()
    return redirect(url_for(".saved_prompts", done="saved"), 303)


@bp.post("/prompts/<prompt_id>/rename")
def rename_prompt(prompt_id: str) -> ResponseReturnValue:
    """Rename it."""
    try:
        prompts.change(g.principal, prompt_id, {"name": request.form.get("name", "")})
    except Invalid as error:
        return refused(prompts_page(errors={prompt_id: reasons(error)}), error)
    return redirect(url_for(".saved_prompts", done="renamed"), 303)


@bp.post("/prompts/<prompt_id>/delete")
def delete_prompt(prompt_id: str) -> ResponseReturnValue:
    """Delete it, and offer undo."""
    gone = prompts.delete(g.principal, prompt_id)
    return prompts_page(gone=gone)
