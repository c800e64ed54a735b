"""The form's initial values: from a link, the current choices, or the defaults."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from jimeng import inputs as uploads
from jimeng import jobs, tasks
from jimeng.documents import SavedPrompt, Task
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.errors.collections import PromptNotFound
from jimeng.errors.inputs import UploadNotFound
from jimeng.gallery import picture_details, saved_prompts
from jimeng.http import auth
from jimeng.web import is_htmx
from jimeng.web.create import inputs, videos
from jimeng.web.create.defaults import CHOICES, defaults
from jimeng.web.create.form import Composer
from jimeng.web.create.form_tokens import FORM
from jimeng.web.create.videos import VideoForm
from jimeng.web.site.preferences import set_preference_cookie

SETTINGS = frozenset({"model", "size", "resolution", "n", "seed", "of", "style"})
SETTINGS |= {"quality", "style_own", "strength"}
FIELDS = SETTINGS | {"prompt"}
USED = "used"  # the cookie with the settings that this browser submitted last
MAX_RECENT = 12  # latest tasks that are searched for one created with the form


def initial_form() -> Composer | VideoForm:
    """
    The form, filled from the query: a task to repeat, or a prompt and settings. With
    ``make=video`` it is the one for videos.

    Without a query, the settings are the unsent choices of this browser, the user's
    defaults, or the settings that were submitted last.
    """
    principal = auth.principal_of_page()
    wants_video = request.args.get("make") == VIDEO and videos.makes_videos()
    if wants_video and "again" not in request.args:
        return initial_video_form(principal)
    images = inputs.ids_in(request.args.getlist("image"))
    form = form_without_inputs(principal)
    if not images or isinstance(form, VideoForm):
        return form
    form = replace(form, images=images)
    return form.with_suitable_model() if "again" in request.args else form


def initial_video_form(principal: Principal) -> VideoForm:
    """
    The form of videos as the query says; what that leaves open is as the video that it
    continues, else as this browser's unsent choices, or as the user's last video if
    that is among the latest tasks.
    """
    linked, unsent = VideoForm.from_link(request.args), values_in_cookie(VIDEO)
    if "model" in request.args:
        return linked
    continued = continued_task(principal, linked)
    if continued:
        return VideoForm.from_task(continued).with_pictures_of(linked)
    if unsent:
        usual = VideoForm.from_link(unsent)
    else:
        recent = recent_tasks(principal, {"batch": None})
        newest = next((task for task in recent if task.type == VIDEO), None)
        usual = VideoForm.with_settings_of(newest) if newest else linked
    if linked.pictures:
        return replace(usual, ratio="").with_pictures_of(linked)
    return replace(usual, prompt=linked.prompt).fitted()


def continued_task(principal: Principal, form: VideoForm) -> Task | None:
    """
    The task of the video that is continued: the one that ``continues`` names, or whose
    last frame the form begins with.
    """
    first = dict(form.pictures).get("first_frame", "")
    picture_id = request.args.get("continues", first)
    try:
        image = picture_details.find_picture(principal, picture_id)
        return tasks.find(principal, image.task_id) if image.is_video else None
    except (ImageNotFound, TaskNotFound):
        return None


def stage_instead() -> ResponseReturnValue | None:
    """
    Where the query names an edit: to its picture, whose stage has the form with the
    mask and the edges. None for other tasks, and once that picture is gone.
    """
    principal = auth.principal_of_page()
    try:
        task = tasks.find(principal, request.args["again"])
        source = source_stage(principal, task)
    except (KeyError, TaskNotFound, ImageNotFound, UploadNotFound):
        return None
    model = jobs.runtime().registry.by_lane(task.lane)
    if model is None or not model.follows or "image" in request.args:
        return None
    url = f"{source}?{urlencode({'again': task.id})}"
    return ("", 200, {"HX-Redirect": url}) if is_htmx() else redirect(url, 303)


def source_stage(principal: Principal, task: Task) -> str:
    """
    The URL of the stage of the picture or upload that the task is an edit of.

    Raises:
        ImageNotFound: it is gone.
        UploadNotFound: as ImageNotFound.
    """
    source = picture_details.source(task)
    if "picture" in source or not source:
        image = picture_details.find_picture(principal, source.get("picture", ""))
        return url_for("web.picture", picture_id=image.id)
    upload = uploads.find(principal, source["input"])
    return url_for("web.input_stage", upload_id=upload.id)


def form_without_inputs(principal: Principal) -> Composer | VideoForm:
    """`initial_form` without the inputs that a link names."""
    again = request.args.get("again")
    if again is not None:
        try:
            task = tasks.find(principal, again)
        except TaskNotFound:
            return Composer.prefilled(defaults())
        kind = VideoForm if task.type == VIDEO else Composer
        return kind.from_task(task, seed=request.args.get("seed", ""))
    if "saved" in request.args:
        return form_of_saved_prompt(principal, request.args["saved"])
    linked = {name: request.args[name] for name in FIELDS & set(request.args)}
    values = defaults() | (linked or unsent_choices())
    return Composer.prefilled(values) if values else last_submitted(principal)


def unsent_choices() -> dict[str, str]:
    """
    The choices that this browser has not submitted, as choices.js stores them; those
    for references end with them.
    """
    refers = "refers" in values_in_cookie(CHOICES)
    return {} if refers and "image" not in request.args else own_cookie(CHOICES)


def form_of_saved_prompt(principal: Principal, prompt_id: str) -> Composer:
    """The form with a saved prompt, or with the defaults if it was deleted."""
    try:
        return Composer.prefilled(form_of(saved_prompts.find(principal, prompt_id)))
    except PromptNotFound:
        return Composer.prefilled(defaults())


def form_of(saved: SavedPrompt) -> dict[str, str]:
    """The values of a saved prompt, by form field."""
    names = ("prompt", "model", "size", "quality", "style", "n", "seed")
    found = {name: getattr(saved, name) for name in names}
    return {name: str(each) for name, each in found.items() if each not in (None, "")}


def values_in_cookie(name: str) -> MultiDict:
    """The form's values in a cookie; none if another user's."""
    values = MultiDict(parse_qsl(request.cookies.get(name, "")[:4000]))
    return values if values.pop("who", "") == current_user_id() else MultiDict()


def own_cookie(name: str) -> dict[str, str]:
    """The settings in a cookie; none if another user's."""
    values = values_in_cookie(name)
    return {name: values[name] for name in SETTINGS & set(values)}


def current_user_id() -> str:
    user = auth.current_user()
    return user.id if user else ""


def store_used_settings(response: Response, values: Mapping[str, str]) -> None:
    """
    Store the submitted settings as initial values of this browser's next form; the
    caller has made sure that they were not chosen for references.
    """
    used = {name: values[name] for name in (SETTINGS - {"seed"}) & set(values)}
    set_own_cookie(response, USED, used)


def set_own_cookie(response: Response, name: str, values: Mapping[str, str]) -> None:
    """Store settings where `own_cookie` reads them."""
    whose = {"who": current_user_id(), **values}
    set_preference_cookie(response, name, urlencode(whose))


def last_submitted(principal: Principal) -> Composer:
    """
    The form as submitted last, from this browser, else from any. Tasks created over
    the API do not count, nor those with references, whose model and size are theirs.
    """
    values = own_cookie(USED)
    if values:
        return Composer.prefilled(values)
    # Neither tasks of batches, nor videos, which have a form of their own.
    latest = recent_tasks(principal, {"batch": None, "type": {"$ne": VIDEO}})
    by_form = (
        task
        for task in latest
        if (task.idem_key or "").startswith(FORM) and not task.inputs
    )
    newest = next(by_form, None)
    return Composer.with_settings_of(newest) if newest else Composer.prefilled({})


def recent_tasks(principal: Principal, condition: dict) -> list[Task]:
    """The user's latest tasks, newest first."""
    return tasks.page(
        principal, principal.user_id, limit=MAX_RECENT, condition=condition
    ).rows
