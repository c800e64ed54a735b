"""Users: search, invite, limit, disable, and delete them."""

from collections.abc import Mapping

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import accounts, operations
from jimeng.documents import User
from jimeng.errors import Invalid
from jimeng.errors.access import EmailTaken
from jimeng.http.responses import absolute
from jimeng.i18n import problems, reasons
from jimeng.operations.users import ROLES
from jimeng.schemas.users import BudgetForm, NewUser, UserChanges
from jimeng.web.account.confirmation import confirmed
from jimeng.web.admin import bp
from jimeng.web.site.forms import checked


@bp.get("/users")
def users() -> ResponseReturnValue:
    """Users, newest first; ``q`` searches names and e-mails."""
    q = request.args.get("q", "").strip()
    cursor = request.args.get("cursor") or None
    return render_template(
        "admin/users.html",
        page=operations.users.page(g.principal, q=q, cursor=cursor),
        q=q,
        was_deleted="deleted" in request.args,
    )


@bp.get("/users/new")
def new_user() -> ResponseReturnValue:
    return new_form({}, {})


def new_form(submitted: Mapping[str, str], errors: Mapping[str, list[str]]) -> str:
    return render_template(
        "admin/new_user.html", submitted=submitted, errors=errors, roles=ROLES
    )


@bp.post("/users")
@confirmed
def invite() -> ResponseReturnValue:
    """Create a user, and show the link that sets the first password, only this once."""
    submitted = {name: request.form.get(name, "") for name in ("email", "name")}
    role = request.form.get("role", "user")
    try:
        values = checked(NewUser(), submitted)
        user, token = operations.users.invite(g.principal, **values, role=role)
    except (Invalid, EmailTaken) as error:
        return new_form(request.form, problems(error)), error.status
    return show_link(user, token, is_new=True)


@bp.post("/users/<user_id>/invite")
@confirmed
def invite_again(user_id: str) -> ResponseReturnValue:
    """Create a new link that sets the first password or replaces a forgotten one."""
    user, token = operations.users.invite_again(g.principal, user_id)
    return show_link(user, token)


def show_link(user: User, token: str, *, is_new: bool = False) -> ResponseReturnValue:
    link = absolute(url_for("web.invitation", token=token))
    page = render_template("admin/invited.html", user=user, link=link, is_new=is_new)
    return page, 200, {"Cache-Control": "no-store"}


@bp.get("/users/<user_id>")
def user(user_id: str) -> ResponseReturnValue:
    """One user, and the actions on them."""
    return show_user(user_id)


def show_user(
    user_id: str,
    errors: Mapping[str, list[str]] | None = None,
    submitted_email: str | None = None,
) -> str:
    row = operations.users.find(g.principal, user_id)
    return render_template(
        "admin/user.html",
        row=row,
        user=row.user,
        is_you=row.user.id == g.principal.user_id,
        roles=ROLES,
        errors=errors or {},
        submitted_email=submitted_email,
        saved=request.args.get("saved"),
    )


def refused(user_id: str, error: Invalid) -> ResponseReturnValue:
    return show_user(user_id, problems(error)), error.status


def saved(user_id: str, what: str) -> ResponseReturnValue:
    return redirect(url_for(".user", user_id=user_id, saved=what), 303)


@bp.post("/users/<user_id>/email")
@confirmed
def set_email(user_id: str) -> ResponseReturnValue:
    """Change the e-mail that the user signs in with."""
    submitted = request.form.get("email", "")
    try:
        email = checked(UserChanges(), {"email": submitted})["email"]
        operations.users.set_email(g.principal, user_id, email)
    except (Invalid, EmailTaken) as error:
        return show_user(
            user_id, {"new_email": reasons(error)}, submitted
        ), error.status
    return saved(user_id, "email")


@bp.post("/users/<user_id>/role")
@confirmed
def set_role(user_id: str) -> ResponseReturnValue:
    role = request.form.get("role", "")
    operations.users.set_role(g.principal, user_id, role)
    return saved(user_id, "role")


@bp.post("/users/<user_id>/quota")
def set_quota(user_id: str) -> ResponseReturnValue:
    """Set the pictures per day; an empty field restores the server's default."""
    text = request.form.get("quota", "").strip()
    try:
        if text and not (text.isascii() and text.isdigit()):
            raise Invalid.field("quota", "invalid.integer")
        quota = int(text[:20]) if text else None
        operations.users.set_quota(g.principal, user_id, quota)
    except Invalid as error:
        return refused(user_id, error)
    return saved(user_id, "quota")


@bp.post("/users/<user_id>/budget")
def set_budget(user_id: str) -> ResponseReturnValue:
    """Set what the user may spend; an empty field restores the server's default."""
    amounts = {
        name: request.form.get(name, "").strip() for name in ("daily", "monthly")
    }
    try:
        budgets = checked(
            BudgetForm(), {k: text for k, text in amounts.items() if text}
        )
        accounts.users.update(
            g.principal,
            user_id,
            daily_budget_micros=budgets.get("daily"),
            monthly_budget_micros=budgets.get("monthly"),
        )
    except Invalid as error:
        return refused(user_id, error)
    return saved(user_id, "budget")


@bp.post("/users/<user_id>/disable")
def disable(user_id: str) -> ResponseReturnValue:
    operations.users.disable(g.principal, user_id)
    return saved(user_id, "disabled")


@bp.post("/users/<user_id>/enable")
def enable(user_id: str) -> ResponseReturnValue:
    operations.users.enable(g.principal, user_id)
    return saved(user_id, "enabled")


@bp.post("/users/<user_id>/end-sessions")
def end_sessions(user_id: str) -> ResponseReturnValue:
    keys = bool(request.form.get("keys"))
    operations.users.end_sessions(g.principal, user_id, keys=keys)
    return saved(user_id, "sessions")


@bp.post("/users/<user_id>/reset-second-factor")
@confirmed
def reset_second_factor(user_id: str) -> ResponseReturnValue:
    operations.users.reset_second_factor(g.principal, user_id)
    return saved(user_id, "factor")


@bp.post("/users/<user_id>/delete")
@confirmed
def delete_user(user_id: str) -> ResponseReturnValue:
    """Delete a user; the form must repeat the e-mail."""
    try:
        email = request.form.get("email", "")
        operations.users.delete(g.principal, user_id, email=email)
    except Invalid as error:
        return refused(user_id, error)
    return redirect(url_for(".users", deleted=1), 303)
