"""``flask users``: the first admin, and invitations."""

from urllib.parse import urljoin

import click
from flask import current_app
from flask.cli import with_appcontext

from jimeng import accounts, operations
from jimeng.accounts import users
from jimeng.cli.queue import OPERATOR, databases
from jimeng.config import Config
from jimeng.documents import User
from jimeng.documents.user import is_email
from jimeng.errors import EmailTaken, Invalid, JimengError
from jimeng.i18n import MESSAGES
from jimeng.viewers import SCOPES


@click.group("users")
def group() -> None:
    """Let people in."""


@group.command("create-admin")
@click.argument("email", required=False)
@click.option("--name", default="admin", show_default=True)
@with_appcontext
def create_admin(email: str | None, name: str) -> None:
    """
    Make the first admin, or make EMAIL one.

    Without EMAIL, ADMIN_EMAIL and ADMIN_PASSWORD say who it is; where they are not
    set nothing happens, so that a release can always run this. A password that the
    user has is never changed. Without a password a link to set one is printed.
    """
    config: Config = current_app.config["JIMENG"]
    password = "" if email else config.ADMIN_PASSWORD
    email = email or config.ADMIN_EMAIL
    if not email:
        click.echo("no admin made: ADMIN_EMAIL is not set")
        return
    with databases():
        user = found_or_made(email, name, role="admin")
        if user.password:
            click.echo(f"admin: {user.email}")
        elif password:
            set_first_password(user, password)
            click.echo(f"admin: {user.email}, with the password of ADMIN_PASSWORD")
        else:
            click.echo(f"admin: {user.email}; to set a password within 24 hours:")
            click.echo(link(user))


@group.command("invite")
@click.argument("email")
@click.option("--name", help="By default the part of the e-mail before the @.")
@click.option(
    "--role", type=click.Choice(["user", "admin"]), default="user", show_default=True
)
@with_appcontext
def invite(email: str, name: str | None, role: str) -> None:
    """
    Print a link with which EMAIL sets a password: once, within 24 hours.

    Somebody who has an account already can so choose a new password.
    """
    with databases():
        user = found_or_made(email, name or email.partition("@")[0], role=role)
        click.echo(f"{user.role}: {user.email}; to set a password within 24 hours:")
        click.echo(link(user))


@group.command("create-key")
@click.argument("email")
@click.option("--name", default="flask", show_default=True, help="To tell it apart.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True)
@with_appcontext
def create_key(email: str, name: str, scopes: tuple[str, ...]) -> None:
    """Print a new API key of EMAIL; without --scope it may read and write."""
    with databases():
        user = users.find_by_email(OPERATOR, email)
        try:
            _, key = accounts.create_key(
                OPERATOR, user.id, name=name, scopes=list(scopes) or None
            )
        except Invalid as error:
            raise click.ClickException(reason(error)) from error
        click.echo(key)


@group.command("reset-second-factor")
@click.argument("email")
@with_appcontext
def reset_second_factor(email: str) -> None:
    """Let EMAIL in with the password alone, and end all sessions of theirs."""
    with databases():
        user = users.find_by_email(OPERATOR, email)
        operations.users.reset_second_factor(OPERATOR, user.id)
        click.echo(f"second factor removed: {user.email}")


def reason(error: Invalid) -> str:
    """The first of the reasons, in English."""
    ((key, values),) = next(iter(error.fields.values()))
    return MESSAGES[key][1].format(**values)


def found_or_made(email: str, name: str, *, role: str) -> User:
    """The user with that e-mail, who has *role* from now on if it is ``admin``."""
    if not is_email(email):
        raise click.ClickException(f"{email!r} is no e-mail address")
    try:
        user = users.create(OPERATOR, email=email, name=name)
    except EmailTaken:
        user = users.find_by_email(OPERATOR, email)
    except JimengError as error:
        raise click.ClickException(str(error)) from error
    if role == "admin" and user.role != role:
        user = users.set_role(OPERATOR, user.id, role)
    return user


def set_first_password(user: User, password: str) -> None:
    try:
        accounts.accept(accounts.invite(OPERATOR, user.id), password)
    except Invalid as error:
        raise click.ClickException(f"ADMIN_PASSWORD: {reason(error)}") from error


def link(user: User) -> str:
    """Where *user* sets a password, at the address that users see."""
    config: Config = current_app.config["JIMENG"]
    base = config.PUBLIC_URL or f"http://{config.SERVER_HOST}:{config.SERVER_PORT}"
    path = f"invitations/{accounts.invite(OPERATOR, user.id)}"
    return urljoin(base.rstrip("/") + "/", path)
