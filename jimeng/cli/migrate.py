"""``flask migrate``: bring what is stored to this release, while everything serves."""

import click
from flask.cli import with_appcontext

from jimeng import migrations
from jimeng.cli.databases import OPERATOR, databases
from jimeng.migrations.step import Step
from jimeng.viewers import recorded


@click.command()
@with_appcontext
def migrate() -> None:
    """
    Bring the data to this release; run before the first start of a release.

    Web and workers of the release before go on meanwhile. It may be interrupted and
    run again at any time: what is done is not done twice.
    """
    with databases():
        try:
            with recorded(OPERATOR, "schema.migrate") as outcome:
                found = migrations.run(tell)
                outcome["schema"] = found.schema
        except (migrations.OthersWork, migrations.TooOld) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"schema: {found.schema}")


def tell(step: Step, is_done: bool) -> None:
    click.echo(f"step {step.number}: {step.sentence}{': done' if is_done else ''}")
