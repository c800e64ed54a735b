"""The user's own API keys: create, show once, revoke."""

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue

from jimeng import accounts, jobs
from jimeng.billing.budgets import budget_states
from jimeng.billing.costs import today
from jimeng.documents import ApiKey, User
from jimeng.documents.principal import KEY_INTERFACES
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.http.responses import absolute
from jimeng.i18n import problems, t
from jimeng.schemas.users import LIFETIMES, KeyForm, KeyLimits
from jimeng.web import bp, refused
from jimeng.web.account.confirmation import confirmed
from jimeng.web.account.profile import (
    Problems,
    account_user,
    redirect_done,
    render_account_page,
)
from jimeng.web.pictures.code_samples import ROUTE
from jimeng.web.site.forms import checked

BUDGETS = ("daily_budget", "monthly_budget")
REQUESTS = "requests_per_minute"  # operators set it
AMOUNTS = ("tasks_per_minute", "pictures_per_day", REQUESTS, *BUDGETS)
OPTIONAL_LIMITS = ("doors", "models", *AMOUNTS)


@bp.get("/account/keys")
def account_keys() -> ResponseReturnValue:
    """The list of keys, and the form for a new one."""
    return keys_page()


def keys_page(
    new_key: ApiKey | None = None,
    text: str = "",
    *,
    errors: Problems | None = None,
    submitted: Mapping | None = None,
    changing: str | None = None,
) -> str:
    """
    Args:
        submitted: The form, if it was refused, with *errors*.
        changing: The id of the key whose limits it would change; None for a new key.
    """
    user = auth.current_user()
    found = accounts.list_keys(g.principal, user.id) if user else []
    return render_account_page(
        "keys",
        keys=found,
        scopes=scopes_of(user) if user else [],
        lifetimes=LIFETIMES,
        doors=KEY_INTERFACES,
        models=model_ids(),
        now=datetime.now(UTC),
        today=today().isoformat(),
        budgets={key.id: budget_states(key, key.budgets) for key in found},
        zone=jobs.runtime().config.BILLING_TIMEZONE,
        changing=changing,
        limited=not changing and any((submitted or {}).get(n) for n in OPTIONAL_LIMITS),
        new_key=new_key,
        text=text,
        curl=curl_command(text) if text else "",
        errors=errors or {},
        submitted=submitted or {},
    )


def scopes_of(user: User) -> list[str]:
    """The scopes that the user's keys may have."""
    of_admins = {"act_for", "admin"} if user.role != "admin" else set()
    return [each for each in accounts.SCOPES if each not in of_admins]


def curl_command(key: str) -> str:
    """A shell command that requests a picture with this key."""
    body = json.dumps({"prompt": t("account.curl_prompt")}, ensure_ascii=False)
    parts = (
        f"curl {shlex.quote(absolute(ROUTE))}",
        f"-H 'Authorization: Bearer {key}'",
        "-H 'Content-Type: application/json'",
        f"-d {shlex.quote(body)}",
    )
    return " \\\n  ".join(parts)


@bp.post("/account/keys")
@confirmed
def make_key() -> ResponseReturnValue:
    """
    Create a key. Only this response contains it, so there is no redirect: the key
    would have to be in a URL, or be stored.
    """
    user = account_user()
    try:
        key, text = accounts.create_key(g.principal, user.id, **key_fields())
    except Invalid as error:
        return refused(keys_page(errors=problems(error), submitted=request.form), error)
    response: Response = make_response(keys_page(key, text), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


def model_ids() -> list[str]:
    """The ids of all models, without duplicates."""
    offered = jobs.runtime().registry.models.values()
    return [*dict.fromkeys(model.id for model in offered)]


def key_fields() -> dict:
    """
    Read the fields of the new key from the form.

    Raises:
        Invalid: a field is wrong.
    """
    form = request.form
    plain = {name: form.get(name, "") for name in ("name", "days")}
    lists = {name: form.getlist(name) for name in ("doors", "models")}
    amounts = {n: form.get(n, "").strip() for n in (*AMOUNTS, "user_prefix")}
    limits = {name: each for name, each in (lists | amounts).items() if each}
    return checked(KeyForm(), {**plain, **limits, "scopes": form.getlist("scopes")})


@bp.post("/account/keys/<key_id>/budgets")
def change_key_limits(key_id: str) -> ResponseReturnValue:
    """Set what may be done with a key; an empty field is no limit of its own."""
    user = account_user()
    # The form of an earlier release has budgets only, and leaves the others.
    names = [name for name in AMOUNTS if name in {*BUDGETS, *request.form}]
    amounts = {name: request.form.get(name, "").strip() for name in names}
    try:
        given = {name: text for name, text in amounts.items() if text}
        limits = checked(KeyLimits(only=[*amounts]), given)
        accounts.change_limits(g.principal, user.id, key_id, **limits)
    except Invalid as error:
        page = keys_page(
            errors=problems(error), submitted=request.form, changing=key_id
        )
        return refused(page, error)
    return redirect_done(".account_keys", "key_limits")


@bp.post("/account/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> ResponseReturnValue:
    """Revoke a key: its next use is refused."""
    accounts.revoke_key(g.principal, account_user().id, key_id)
    return redirect_done(".account_keys", "revoked")
