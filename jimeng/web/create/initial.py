"""How the form begins: as a link asks, as it was left, or as its user likes it."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from flask import Response, request

from jimeng import tasks
from jimeng.documents import SavedPrompt
from jimeng.documents.principal import Principal
from jimeng.errors import TaskNotFound
from jimeng.errors.collections import PromptNotFound
from jimeng.gallery import saved_prompts
from jimeng.http import auth
from jimeng.web.create import inputs
from jimeng.web.create.defaults import CHOICES, defaults
from jimeng.web.create.form import Composer
from jimeng.web.create.form_tokens import FORM
from jimeng.web.site.preferences import keep

SETTINGS = frozenset({"model", "size", "resolution", "n", "seed", "of", "style"})
SETTINGS |= {"quality", "style_own", "strength"}
WORDS = SETTINGS | {"prompt"}
USED = "used"  # the cookie with the settings that were sent last from this browser
LATEST = 12  # tasks among which one is looked for that was asked for with the form


def asked_for() -> Composer:
    """
    The form, filled with what the link says: a task to repeat, or words and settings.
    Where it says nothing, the settings are those that the page was left with, those
    that the user begins with, or those that were used last.
    """
    principal = auth.principal_of_page()
    images = inputs.ids_in(request.args.getlist("image"))
    form = begun(principal)
    if not images:
        return form
    form = replace(form, images=images)
    return form.suited() if "again" in request.args else form


def begun(principal: Principal) -> Composer:
    """`asked_for`, but for the pictures that a link names."""
    again = request.args.get("again")
    if again is not None:
        try:
            task = tasks.find(principal, again)
        except TaskNotFound:
            return Composer.asked(defaults())
        return Composer.again(task, seed=request.args.get("seed", ""))
    if "saved" in request.args:
        return kept_under_a_name(principal, request.args["saved"])
    given = {name: request.args[name] for name in WORDS & set(request.args)}
    # What was chosen in this browser and not sent, as choices.js keeps it.
    words = defaults() | (given or own_cookie(CHOICES))
    return Composer.asked(words) if words else used_last(principal)


def kept_under_a_name(principal: Principal, prompt_id: str) -> Composer:
    """The form as a prompt was saved, or the usual one where it is gone."""
    try:
        return Composer.asked(form_of(saved_prompts.find(principal, prompt_id)))
    except PromptNotFound:
        return Composer.asked(defaults())


def form_of(saved: SavedPrompt) -> dict[str, str]:
    """What is kept under a name, as forms name it."""
    names = ("prompt", "model", "size", "quality", "style", "n", "seed")
    found = {name: getattr(saved, name) for name in names}
    return {name: str(each) for name, each in found.items() if each not in (None, "")}


def own_cookie(name: str) -> dict[str, str]:
    """The settings in a cookie; none if somebody else has left them."""
    words = dict(parse_qsl(request.cookies.get(name, "")[:4000]))
    if words.pop("who", "") != whose():
        return {}
    return {name: words[name] for name in SETTINGS & set(words)}


def whose() -> str:
    user = auth.current_user()
    return user.id if user else ""


def keep_used(response: Response, words: Mapping[str, str]) -> None:
    """Let the next form in this browser begin with what was sent with this one."""
    used = {name: words[name] for name in (SETTINGS - {"seed"}) & set(words)}
    keep(response, USED, urlencode({"who": whose(), **used}))


def used_last(principal: Principal) -> Composer:
    """
    As the form was sent last: from this browser, else from any. What programs ask for
    does not change it.
    """
    words = own_cookie(USED)
    if words:
        return Composer.asked(words)
    alone = {"batch": None}  # those of a batch were not asked for one by one
    latest = tasks.page(principal, principal.user_id, limit=LATEST, within=alone).rows
    by_form = (task for task in latest if (task.idem_key or "").startswith(FORM))
    newest = next(by_form, None)
    return Composer.like(newest) if newest else Composer.asked({})
