"""Update the form for the chosen model, a moved input, or a dropped picture."""

from collections.abc import Mapping
from dataclasses import replace

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.errors import Invalid
from jimeng.http.requests import accepts_pictures
from jimeng.pictures.metadata import Provenance, read_back
from jimeng.web import bp, is_htmx
from jimeng.web.create.form import Composer
from jimeng.web.create.initial import initial_form, stage_instead
from jimeng.web.create.inputs import shown_form
from jimeng.web.create.videos import VideoForm
from jimeng.web.tasks.actions import rejected_form
from jimeng.web.tasks.feed import show_feed


@bp.get("/composer")
def composer() -> ResponseReturnValue:
    """
    The options of a model, with the nearest to the current choices selected; with
    ``again`` or ``prompt`` the whole form.
    """
    elsewhere = stage_instead()
    if elsewhere:
        return elsewhere
    form = initial_form()
    if is_htmx() and form.makes != shown_form():
        # The page has the scripts of the other form.
        query: dict = request.args.to_dict()
        return "", 200, {"HX-Redirect": url_for(".index", **query)}
    whole = {"again", "prompt", "saved"} & set(request.args)
    if not is_htmx():
        return show_feed("tasks/index.html", form=form)
    template = "tasks/_form.html" if whole else "create/_choices.html"
    return render_template(template, form=form, oob=True)


@bp.post("/composer")
@accepts_pictures
def change_model() -> ResponseReturnValue:
    """
    The page, or the form alone, with its values fitted to the chosen model, and its
    inputs rearranged as the pressed button says.
    """
    form = Composer.from_form(request.form, request.files).with_stored_files(
        g.principal
    )
    form = replace(
        form,
        wanted=request.form.get("switch", form.wanted),
        images=arranged(form.images, request.form),
    ).fitted()
    if is_htmx():
        return render_template("tasks/_form.html", form=form)
    return show_feed("tasks/index.html", form=form)


@bp.post("/composer/video")
@accepts_pictures
def change_video() -> ResponseReturnValue:
    """
    The page, or the choices and pictures of the form for videos, fitted to what was
    chosen; with ``whole`` all of the form. Uploads are stored.
    """
    form = VideoForm.from_form(request.form, request.files)
    form = form.with_stored_files(g.principal).fitted()
    if is_htmx():
        whole = "whole" in request.args
        template = "tasks/_form.html" if whole else "create/_video_choices.html"
        return render_template(template, form=form, oob=True)
    return show_feed("tasks/index.html", form=form)


@bp.get("/composer/file")
def offer_of_file() -> str:
    """The offer to fill the form from the metadata of a dropped picture."""
    return render_template("create/_says.html")


@bp.post("/composer/file")
@accepts_pictures
def form_of_file() -> ResponseReturnValue:
    """
    The page, with the form filled from the metadata of the first upload that has any;
    for browsers without JavaScript. No upload is stored.
    """
    form = Composer.from_form(request.form, request.files)
    metadata = next(filter(None, map(read_back, form.files)), None)
    if metadata is None:
        error = Invalid.field("images", "invalid.no_metadata")
        return rejected_form(form.rejected(error).with_stored_files(g.principal), error)
    return show_feed(
        "tasks/index.html",
        form=Composer.prefilled(values_from_metadata(metadata, form.n)),
    )


def values_from_metadata(metadata: Provenance, n: str) -> dict[str, str]:
    """The metadata of a picture, by form field."""
    values = {
        "prompt": metadata.prompt,
        "style": metadata.style,
        "model": metadata.model,
    }
    values |= {"size": metadata.size or "1:1", "n": n}
    return values if metadata.seed is None else {**values, "seed": str(metadata.seed)}


def arranged(ids: tuple[str, ...], form: Mapping[str, str]) -> tuple[str, ...]:
    """The ids without the removed one, and with the moved one a position earlier."""
    remaining = [each for each in ids if each != form.get("remove")]
    moved = form.get("move")
    if moved in remaining[1:]:
        at = remaining.index(moved)
        remaining[at - 1 : at + 1] = [moved, remaining[at - 1]]
    return tuple(remaining)
