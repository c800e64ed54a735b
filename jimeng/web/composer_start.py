"""How the form begins: as a link asks, as it was left, or as its user likes it."""

from dataclasses import replace
from urllib.parse import parse_qsl

from flask import request

from jimeng import auth, tasks
from jimeng.errors import TaskNotFound
from jimeng.viewers import Viewer
from jimeng.web import given_pictures
from jimeng.web.composer import Composer
from jimeng.web.composer_defaults import CHOICES, defaults

SETTINGS = frozenset({"model", "size", "resolution", "n", "seed", "of", "style"})
SETTINGS |= {"quality", "style_own", "strength"}
WORDS = SETTINGS | {"prompt"}


def asked_for() -> Composer:
    """
    The form, filled with what the link says: a task to repeat, or words and settings.
    Where it says nothing, the settings are those that the page was left with, those
    that the user begins with, or those that were used last.
    """
    viewer = auth.viewer_of_page()
    images = given_pictures.ids_in(request.args.getlist("image"))
    form = begun(viewer)
    return replace(form, images=images) if images else form


def begun(viewer: Viewer) -> Composer:
    """`asked_for`, but for the pictures that a link names."""
    again = request.args.get("again")
    if again is not None:
        try:
            task = tasks.find(viewer, again)
        except TaskNotFound:
            return Composer.asked(defaults())
        return Composer.again(task, seed=request.args.get("seed", ""))
    given = {name: request.args[name] for name in WORDS & set(request.args)}
    words = defaults() | (given or left_behind())
    return Composer.asked(words) if words else used_last(viewer)


def left_behind() -> dict[str, str]:
    """
    What was chosen in this browser and not sent, as choices.js keeps it; nothing of
    what somebody else chose who was signed in before.
    """
    words = dict(parse_qsl(request.cookies.get(CHOICES, "")[:4000]))
    user = auth.current_user()
    if words.pop("who", "") != (user.id if user else ""):
        return {}
    return {name: words[name] for name in SETTINGS & set(words)}


def used_last(viewer: Viewer) -> Composer:
    newest = tasks.page(viewer, viewer.user_id, limit=1).tasks
    return Composer.like(newest[0]) if newest else Composer.asked({})
