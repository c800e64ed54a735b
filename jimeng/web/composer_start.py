"""How the form begins: as a link asks, as its user likes it, or as it was used last."""

from flask import request

from jimeng import auth, tasks
from jimeng.errors import TaskNotFound
from jimeng.viewers import Viewer
from jimeng.web.composer import Composer

WORDS = frozenset(
    {"prompt", "model", "size", "resolution", "quality", "n", "seed", "of"}
    | {"style", "style_own"}
)


def asked_for() -> Composer:
    """
    The form, filled with what the link says: a task to repeat, or words and settings.
    Where it says nothing, the settings are those that were used last.
    """
    viewer = auth.viewer_of_page()
    again = request.args.get("again")
    if again is not None:
        try:
            task = tasks.find(viewer, again)
        except TaskNotFound:
            return Composer.asked(defaults())
        return Composer.again(task, seed=request.args.get("seed", ""))
    given = {name: request.args[name] for name in WORDS & set(request.args)}
    words = defaults() | given
    return Composer.asked(words) if words else used_last(viewer)


def defaults() -> dict[str, str]:
    """What the user has chosen for the form to begin with: field -> value."""
    user = auth.current_user()
    return {name: str(value) for name, value in (user.defaults if user else {}).items()}


def used_last(viewer: Viewer) -> Composer:
    newest = tasks.page(viewer, viewer.user_id, limit=1).tasks
    return Composer.like(newest[0]) if newest else Composer.asked({})
