"""One's own API keys: made here, shown once, taken away."""

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from jimeng import accounts, jobs
from jimeng.documents import ApiKey, User
from jimeng.documents.principal import KEY_INTERFACES
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.http.responses import absolute
from jimeng.i18n import problems, t
from jimeng.schemas.users import LIFETIMES, KeyForm
from jimeng.web import bp, refused
from jimeng.web.account.confirmation import confirmed
from jimeng.web.account.profile import Problems, account_user, go, show
from jimeng.web.pictures.code_samples import ROUTE
from jimeng.web.site.forms import checked

AMOUNTS = ("tasks_per_minute", "pictures_per_day")
BOUNDS = ("doors", "models", *AMOUNTS)


@bp.get("/account/keys")
def account_keys() -> ResponseReturnValue:
    """The keys that there are, and the form for another."""
    auth.principal_of_page()
    return keys()


def keys(
    made: ApiKey | None = None,
    text: str = "",
    *,
    errors: Problems | None = None,
    given: Mapping | None = None,
) -> str:
    user = auth.current_user()
    found = accounts.list_keys(auth.principal_of_page(), user.id) if user else []
    return show(
        "keys",
        keys=found,
        scopes=scopes_of(user) if user else [],
        lifetimes=LIFETIMES,
        doors=KEY_INTERFACES,
        models=models(),
        now=datetime.now(UTC),
        today=datetime.now(UTC).date().isoformat(),
        limited=any((given or {}).get(name) for name in BOUNDS),
        made=made,
        text=text,
        curl=curl(text) if text else "",
        errors=errors or {},
        given=given or {},
    )


def scopes_of(user: User) -> list[str]:
    """Those that the user's keys may have."""
    of_admins = {"act_for", "admin"} if user.role != "admin" else set()
    return [each for each in accounts.SCOPES if each not in of_admins]


def curl(key: str) -> str:
    """A command for a shell, which asks for a picture with this key."""
    body = json.dumps({"prompt": t("account.curl_prompt")}, ensure_ascii=False)
    words = (
        f"curl {shlex.quote(absolute(ROUTE))}",
        f"-H 'Authorization: Bearer {key}'",
        "-H 'Content-Type: application/json'",
        f"-d {shlex.quote(body)}",
    )
    return " \\\n  ".join(words)


@bp.post("/account/keys")
@confirmed
def make_key() -> ResponseReturnValue:
    """
    Make a key. It is in this answer and never again, so there is no redirect: it
    would have to be in an address, or be kept.
    """
    user = account_user()
    try:
        key, text = accounts.create_key(auth.principal_of_page(), user.id, **wanted())
    except Invalid as error:
        return refused(keys(errors=problems(error), given=request.form), error)
    response: Response = make_response(keys(key, text), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


def models() -> list[str]:
    """The ids of those that there are, each once."""
    offered = jobs.runtime().registry.models.values()
    return [*dict.fromkeys(model.id for model in offered)]


def wanted() -> dict:
    """
    The key that the form asks for.

    Raises:
        Invalid: a field is wrong.
    """
    form = request.form
    given = {name: form.get(name, "") for name in ("name", "days")}
    lists = {name: form.getlist(name) for name in ("doors", "models")}
    amounts = {n: form.get(n, "").strip() for n in (*AMOUNTS, "user_prefix")}
    limits = {name: each for name, each in (lists | amounts).items() if each}
    return checked(KeyForm(), {**given, **limits, "scopes": form.getlist("scopes")})


@bp.post("/account/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> ResponseReturnValue:
    """Take a key away: its next use is refused."""
    accounts.revoke_key(auth.principal_of_page(), account_user().id, key_id)
    return go(".account_keys", "revoked")
