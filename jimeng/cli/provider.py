"""``flask provider``: image services and their models."""

import sys
from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import with_appcontext

from jimeng import jobs
from jimeng.cli.checks import advice_on_probe
from jimeng.cli.databases import with_demo
from jimeng.cli.language import message
from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers import Model, Registry, credentials


@click.command(
    hidden=True,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def simulator(words: tuple[str, ...]) -> None:
    """Say how the simulator is started; this command goes with the next release."""
    click.echo("the simulator is a program of its own: python -m simulator", err=True)
    sys.exit(2)


@click.group()
def provider() -> None:
    """Check the image services and their models."""


@provider.command("check")
@with_appcontext
def check_providers() -> None:
    """
    Check the keys and models of each provider; costs nothing.

    Prints a line for each model, and for each account if there are several. The exit
    status is 1 if something is wrong.
    """
    config: Config = current_app.config["JIMENG"]
    if (seen := with_demo(config)) is not config:
        jobs.configure(seen)
        click.echo(message("doctor.demo"))
    registry = jobs.runtime().registry
    models = list(registry.models.values())
    if not models:
        click.echo(message("error.no_provider", settings=credentials()))
    width = max((len(model.id) for model in models), default=0)
    are_fine = bool(models)
    several = len(registry.accounts) > 1
    longest = max(map(len, registry.accounts), default=0)
    for model, account in models_with_accounts(registry):
        is_fine, found = check(model, account)
        are_fine = are_fine and is_fine
        mark = "ok " if is_fine else "BAD"
        whose = f"  {account:{longest}}" if several else ""
        click.echo(f"{mark}  {model.provider:17}{whose}  {model.id:{width}}  {found}")
    sys.exit(0 if are_fine else 1)


def models_with_accounts(registry: Registry) -> Iterator[tuple[Model, str]]:
    """Each model with each account that offers it."""
    for model in registry.models.values():
        yield from ((model, each) for each in registry.accounts_of(model.provider))


def check(model: Model, account: str) -> tuple[bool, str]:
    """Whether a model can be used, as far as can be checked, and a message."""
    try:
        service = jobs.runtime().registry.provider(model.provider, account)
        is_known = service.check(model.req_key)
    except ProviderError as error:
        said = f"{error.code}: {message(advice_on_probe(error))}"
        return False, f"{said} [{error.provider_code or '-'} {error.request_id or '-'}]"
    return True, message("answer.model_ready" if is_known else "answer.model_untried")
