"""``flask users``: the first admin, invitations, and API keys."""

from typing import Any

import click
import requests
from flask import current_app
from flask.cli import with_appcontext

from jimeng import accounts, i18n, operations
from jimeng.accounts import users
from jimeng.billing.costs import yuan
from jimeng.cli.databases import OPERATOR, data_dir_of, databases
from jimeng.config import Config
from jimeng.config.values import parse_yuan
from jimeng.documents import User, utcnow
from jimeng.documents.principal import KEY_INTERFACES, SCOPES
from jimeng.documents.user import email_key, is_email
from jimeng.errors import Invalid
from jimeng.errors.access import UserNotFound
from jimeng.local.supervisor import datadir, plan

TIMEOUT_S = 2.0  # for a server on this machine


@click.group("users")
def group() -> None:
    """Create and invite users."""


existing = click.option(
    "--existing", is_flag=True, help="EMAIL has an account already, and that is meant."
)


@group.command("create-admin")
@click.argument("email", required=False)
@click.option("--name", default="admin", show_default=True)
@existing
@with_appcontext
def create_admin(email: str | None, name: str, existing: bool) -> None:
    """
    Make EMAIL an admin, and print a link to set a password.

    Without EMAIL, make the first admin of ADMIN_EMAIL and ADMIN_PASSWORD: only while
    there is no admin at all, and only a new account. Otherwise nothing happens, so
    that a release can always run this.
    """
    config: Config = current_app.config["JIMENG"]
    if not email and not config.ADMIN_EMAIL:
        click.echo("no admin created: ADMIN_EMAIL is not set")
        return
    with databases():
        if email:
            invite_as("admin", email, name, existing)
        elif users.has_admin(OPERATOR):
            click.echo("no admin created: there is one already")
        elif found := find(config.ADMIN_EMAIL):
            click.echo(
                f"no admin created: {account(found)}; if that is who you mean: "
                f"flask users create-admin {found.email} --existing"
            )
        else:
            make_first_admin(config, name)


def make_first_admin(config: Config, name: str) -> None:
    """Create the admin in a single write, so that a crash leaves no partial account."""
    user = new_user(config.ADMIN_EMAIL, name, "admin")
    if config.ADMIN_PASSWORD:
        try:
            user.password = accounts.hash_password(user, config.ADMIN_PASSWORD)
        except Invalid as error:
            raise click.ClickException(f"ADMIN_PASSWORD: {reason(error)}") from error
    users.add(OPERATOR, user)
    if user.password:
        click.echo(f"admin: {user.email}, with the password of ADMIN_PASSWORD")
    else:
        print_link(user)


@group.command("invite")
@click.argument("email")
@click.option("--name", help="By default the part of the e-mail before the @.")
@click.option(
    "--role", type=click.Choice(["user", "admin"]), default="user", show_default=True
)
@existing
@with_appcontext
def invite(email: str, name: str | None, role: str, existing: bool) -> None:
    """
    Print a link with which EMAIL sets a password: once, within 24 hours.

    With --existing the owner of an account chooses a new password.
    """
    with databases():
        invite_as(role, email, name or email.partition("@")[0], existing)


def invite_as(role: str, email: str, name: str, existing: bool) -> None:
    """
    Print a link for a new account, or for an existing one if that is intended.

    An account does not prove that its user owns the e-mail address, so its facts are
    shown for the caller to judge.
    """
    user = find(email)
    if user is None and existing:
        raise click.ClickException(f"nobody has the e-mail {email!r}")
    if user is None:
        user = users.add(OPERATOR, new_user(email, name, role))
    elif not existing:
        raise click.ClickException(f"{account(user)}; if that is meant: --existing")
    else:
        click.echo(account(user), err=True)
        if role == "admin":
            user = users.set_role(OPERATOR, user.id, role)
    print_link(user)


@group.command("create-key")
@click.argument("email")
@click.option("--name", default="flask", show_default=True, help="To tell it apart.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True)
@click.option("--door", "doors", type=click.Choice(KEY_INTERFACES), multiple=True)
@click.option("--model", "models", multiple=True, help="A name or id.")
@click.option("--tasks-per-minute", type=click.IntRange(1))
@click.option("--pictures-per-day", type=click.IntRange(1))
@click.option("--requests-per-minute", type=click.IntRange(1))
@click.option("--user-prefix", help="Whom --scope act_for is for, such as shop:")
@with_appcontext
def create_key(email: str, name: str, scopes: tuple[str, ...], **limits: Any) -> None:
    """
    Print a new API key of EMAIL.

    Without --scope it may read and write; without --door and --model it is good for
    all of them, without numbers for as much as its user.
    """
    with databases():
        user = users.find_by_email(OPERATOR, email)
        click.echo(account(user), err=True)
        try:
            _, key = accounts.create_key(
                OPERATOR,
                user.id,
                name=name,
                scopes=list(scopes) or None,
                **limits,
            )
        except Invalid as error:
            raise click.ClickException(reason(error)) from error
        click.echo(key)


def micros_of(text: str | None) -> int | None:
    """Parse yuan; None for ``default``."""
    try:
        return None if text is None or text == "default" else parse_yuan(text)
    except ValueError as error:
        raise click.ClickException(f"{text}: {error}") from error


@group.command("set-budget")
@click.argument("user_id", metavar="USER")
@click.option("--daily", help="Yuan, such as 20 or 0.5; or default.")
@click.option("--monthly", help="The same for a month.")
@with_appcontext
def set_budget(user_id: str, **amounts: str | None) -> None:
    """
    Set what USER, an id or an e-mail, may spend in a day and in a month.

    0 allows nothing; `default` restores USER_DAILY_BUDGET or USER_MONTHLY_BUDGET. It
    takes effect within seconds, also if the budget is spent already.
    """
    budgets: dict[str, Any] = {
        f"{period}_budget_micros": micros_of(text)
        for period, text in amounts.items()
        if text is not None
    }
    with databases():
        user = find(user_id) if "@" in user_id else None
        users.update(OPERATOR, user.id if user else user_id, **budgets)
    for name, micros in budgets.items():
        shown = "default" if micros is None else f"¥{yuan(micros)}"
        click.echo(f"{name.partition('_')[0]}: {shown}")


@group.command("reset-second-factor")
@click.argument("email")
@with_appcontext
def reset_second_factor(email: str) -> None:
    """Remove the second factor of EMAIL, and end all sessions."""
    with databases():
        user = users.find_by_email(OPERATOR, email)
        operations.users.reset_second_factor(OPERATOR, user.id)
        click.echo(f"second factor removed: {user.email}")


def reason(error: Invalid) -> str:
    """The first validation message, in English."""
    ((key, values),) = next(iter(error.fields.values()))
    return i18n.message(key, "en", **values)


def new_user(email: str, name: str, role: str) -> User:
    if not is_email(email):
        raise click.ClickException(f"{email!r} is no e-mail address")
    return User(email=email, email_key=email_key(email), name=name, role=role)


def find(email: str) -> User | None:
    try:
        return users.find_by_email(OPERATOR, email)
    except UserNotFound:
        return None


def account(user: User) -> str:
    """Describe an account by the facts that identify it to people."""
    days = (utcnow() - user.created_at).days
    keys = len(accounts.list_keys(OPERATOR, user.id))
    return f"{user.email} is {user.id}: {user.role}, {days} days old, {keys} API keys"


def print_link(user: User) -> None:
    """Print the link under which *user* sets a password."""
    path = f"/invitations/{accounts.invite(OPERATOR, user.id)}"
    if address := address_of(path):
        click.echo(f"{user.role}: {user.email}; to set a password within 24 hours:")
        click.echo(address + path)
    else:
        click.echo(
            f"{user.role}: {user.email}; to set a password within 24 hours, open this "
            "path at the address of jimeng's pages (PUBLIC_URL makes it a link):"
        )
        click.echo(path)


def address_of(path: str) -> str:
    """
    The base URL for *path*: ``PUBLIC_URL``, else that of a server on this machine.
    Empty if none answers: the port of another process is not known.
    """
    config: Config = current_app.config["JIMENG"]
    if config.PUBLIC_URL:
        return config.PUBLIC_URL.rstrip("/")
    here = (datadir.stored_address(data_dir_of(config)), plan.url(config))
    return next((each for each in here if each and leads_there(each + path)), "")


def leads_there(link: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # a proxy does not know this machine
        try:
            answer = session.get(link, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return False
    return answer.status_code == 200
