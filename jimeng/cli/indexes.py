"""``flask indexes``: build the database's indexes, and settle what is in their way."""

import sys

import click
from flask.cli import with_appcontext

from jimeng import operations
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents import index_builder
from jimeng.operations.settling import Step


@click.command()
@click.option("--settle", is_flag=True, help="Say what would settle duplicates.")
@click.option("--yes", is_flag=True, help="With --settle: do it.")
@click.option(
    "--keep", multiple=True, metavar="ID", help="Which document keeps its value."
)
@with_appcontext
def indexes(settle: bool, yes: bool, keep: tuple[str, ...]) -> None:
    """
    Build the database's indexes; run before the first start of a release.

    Where documents have in common what only one may have, a unique index cannot be
    built, and what rests on it is refused: --settle says what would be done about
    each, and with --yes does it. Accounts and API keys need a choice: --keep. The
    exit status is 1 while an index is missing.
    """
    with databases():
        faults = index_builder.mend(at_once=True)
        steps = operations.settling.plan(keep) if faults else []
        for step in steps:
            click.echo(line_of(step, settle=settle))
        if settle and yes and operations.settling.settle(OPERATOR, steps):
            faults = index_builder.mend(at_once=True)
        for label, fault in faults.items():
            click.echo(f"{label}: {fault}")
    if not faults:
        click.echo("indexes: ok")
        return
    if steps and not (settle and yes):
        click.echo("nothing was changed; to settle: flask indexes --settle --yes")
    sys.exit(1)


def line_of(step: Step, *, settle: bool) -> str:
    """One value that several documents have, and what would be done about it."""
    named = f"{step.label}: duplicates {', '.join(map(str, step.ids))}"
    return f"{named}: {step.words}" if settle else named
